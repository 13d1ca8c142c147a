/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/url.h"

#include <stdint.h>

#include "lib/base/error.h"
#include "tests/unit/unit.h"

static struct ks_url url;
static const char *why;

START_TEST(latest)
{
	ck_assert_int_eq(ks_url_parse("/live/main/std/latest.jpg", NULL, &url, &why), KS_EOK);
	ck_assert_int_eq(url.kind, KS_URL_LATEST);
	ck_assert_str_eq(url.channel, "main");
	ck_assert_str_eq(url.rendition, "std");
	ck_assert(!url.has_after);
	ck_assert_uint_eq(url.base_len, 5);
}
END_TEST

START_TEST(after)
{
	ck_assert_int_eq(ks_url_parse("/main/std/latest.jpg", "x=1&after=7-12&wait=300", &url, &why), KS_EOK);
	ck_assert(url.has_after);
	ck_assert_uint_eq(url.after.epoch, 7);
	ck_assert_uint_eq(url.after.seq, 12);
	ck_assert_uint_eq(url.base_len, 0);
}
END_TEST

START_TEST(frame)
{
	ck_assert_int_eq(ks_url_parse("/a/b/main/std/4294967295-0.jpg", "after=nonsense", &url, &why), KS_EOK);
	ck_assert_int_eq(url.kind, KS_URL_FRAME);
	ck_assert_uint_eq(url.id.epoch, UINT32_MAX);
	ck_assert_uint_eq(url.id.seq, 0);
}
END_TEST

START_TEST(lists)
{
	ck_assert_int_eq(ks_url_parse("/live/main/index.json", NULL, &url, &why), KS_EOK);
	ck_assert_int_eq(url.kind, KS_URL_INDEX);
	ck_assert_str_eq(url.channel, "main");
	ck_assert_str_eq(url.rendition, "");
	ck_assert_int_eq(ks_url_parse("/health", "channel=infield", &url, &why), KS_EOK);
	ck_assert_int_eq(url.kind, KS_URL_HEALTH);
	ck_assert_str_eq(url.channel, "infield");
	ck_assert_int_eq(ks_url_parse("/live/metrics", "", &url, &why), KS_EOK);
	ck_assert_int_eq(url.kind, KS_URL_METRICS);
}
END_TEST

static const struct {
	const char *path, *query;
	int err;
} refused[] = {
	{ "", NULL, KS_ENODATA },
	{ "/", NULL, KS_ENODATA },
	{ "*", NULL, KS_ENODATA },
	{ "/live/", NULL, KS_ENODATA },
	{ "/live/main/std/", NULL, KS_ENODATA },
	{ "/live/main/std/latest.png", NULL, KS_ENODATA },
	{ "/std/latest.jpg", NULL, KS_ENODATA },
	{ "latest.jpg", NULL, KS_ENODATA },
	{ "/live/Main/std/latest.jpg", NULL, KS_ENODATA },
	{ "/live/../std/latest.jpg", NULL, KS_ENODATA },
	{ "/live//std/latest.jpg", NULL, KS_ENODATA },
	{ "/live/main/longer-than-8/latest.jpg", NULL, KS_ENODATA },
	{ "/live/a-channel-of-more-than-24-chars/std/latest.jpg", NULL, KS_ENODATA },
	{ "/index.json", NULL, KS_ENODATA },
	{ "/live/main/std/.jpg", NULL, KS_ENODATA },
	{ "/live/main/std/7.jpg", NULL, KS_EMALFORMED },
	{ "/live/main/std/07-1.jpg", NULL, KS_EMALFORMED },
	{ "/live/main/std/7-1-1.jpg", NULL, KS_EMALFORMED },
	{ "/live/main/std/4294967296-1.jpg", NULL, KS_EMALFORMED },
	{ "/live/main/std/latest.jpg", "after=", KS_EMALFORMED },
	{ "/live/main/std/latest.jpg", "after=7", KS_EMALFORMED },
	{ "/live/main/std/latest.jpg", "after=7-1x", KS_EMALFORMED },
	{ "/live/main/std/latest.jpg", "after=7-1&after=7-2", KS_EMALFORMED },
	{ "/live/health", "channel=", KS_EMALFORMED },
	{ "/live/health", "channel=UP", KS_EMALFORMED },
	{ "/live/health", "channel=a&channel=b", KS_EMALFORMED },
};

START_TEST(refuses)
{
	const char *before = why = NULL;

	ck_assert_int_eq(ks_url_parse(refused[_i].path, refused[_i].query, &url, &why), refused[_i].err);
	ck_assert_ptr_ne(why, before);
}
END_TEST

START_TEST(mounted)
{
	const char *path = "/live/main/std/latest.jpg";

	ck_assert(ks_url_mounted(path, 5, "/live"));
	ck_assert(ks_url_mounted(path, 5, "/live/"));
	ck_assert(ks_url_mounted(path, 5, "/live/main"));
	ck_assert(ks_url_mounted(path, 5, NULL));
	ck_assert(ks_url_mounted(path, 5, "^/l.*"));
	ck_assert(ks_url_mounted("/main/std/latest.jpg", 0, "/"));
	ck_assert(!ks_url_mounted("/live/x/main/std/latest.jpg", 7, "/live"));
	ck_assert(!ks_url_mounted("/x/main/std/latest.jpg", 2, "/"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("url");
	TCase *tc = tcase_create("url");

	tcase_add_test(tc, latest);
	tcase_add_test(tc, after);
	tcase_add_test(tc, frame);
	tcase_add_test(tc, lists);
	tcase_add_loop_test(tc, refuses, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(tc, mounted);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
