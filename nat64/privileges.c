/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

static int keep(uint32_t capabilities)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = capabilities, .permitted = capabilities }
	};

	return syscall(SYS_capset, &head, data) == 0 ? KS_EOK : -errno;
}

static int become(const char *user)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(user);
	if (entry == NULL) {
		ks_error("nat64", "user: there is no user '%s'; make one (useradd --system), or name another", user);
		return KS_ECONFIG;
	}
	if (geteuid() == entry->pw_uid && geteuid() != 0)
		return KS_EOK;
	if (setgroups(0, NULL) != 0 || setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
	    setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0) {
		int err = -errno;

		ks_error("nat64", "becoming user '%s': %s; start it as root, or leave user out", user,
			 ks_strerror(err));
		return err;
	}
	return KS_EOK;
}

int ks_privileges_drop(const char *user, bool net_admin)
{
	uint32_t kept = net_admin ? 1U << CAP_NET_ADMIN : 0;
	int err;

	if (user != NULL) {
		if (net_admin && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
			return -errno;
		err = become(user);
		if (err != KS_EOK)
			return err;
	}
	err = keep(kept);
	if (err == -EPERM && net_admin) {
		ks_warn("nat64", "routes cannot be changed from here on: needs the capability CAP_NET_ADMIN");
		err = keep(0);
	}
	if (err == KS_EOK && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		err = -errno;
	if (err != KS_EOK)
		ks_error("nat64", "giving up privileges: %s", ks_strerror(err));
	return err;
}
