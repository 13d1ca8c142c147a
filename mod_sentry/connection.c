/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/connection.h"

#include <http_config.h>

extern module AP_MODULE_DECLARE_DATA sentry_module;

struct ks_connection *ks_connection_of(conn_rec *c)
{
	struct ks_connection *connection;

	if (c->master != NULL)
		return NULL;
	connection = ap_get_module_config(c->conn_config, &sentry_module);
	if (connection == NULL) {
		connection = apr_pcalloc(c->pool, sizeof(*connection));
		ap_set_module_config(c->conn_config, &sentry_module, connection);
	}
	return connection;
}
