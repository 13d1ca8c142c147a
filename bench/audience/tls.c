/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "bench/audience/tls.h"

#include <errno.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

#ifdef HAVE_OPENSSL
#include <arpa/inet.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/epoll.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

/* Never made: a pointer to one is OpenSSL's own. */
static SSL_CTX *context(struct swarm_tls_client *client)
{
	return (SSL_CTX *)client;
}

static SSL *session(struct swarm_tls *tls)
{
	return (SSL *)tls;
}

int swarm_tls_client_new(struct swarm_tls_client **client, const char *ca)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	*client = (struct swarm_tls_client *)ctx;
	if (ctx == NULL) {
		ks_error("swarm", "OpenSSL does not start");
		return KS_ECONFIG;
	}
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
			      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (ca == NULL)
		return KS_EOK;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (SSL_CTX_load_verify_locations(ctx, ca, NULL) == 1)
		return KS_EOK;
	ks_error("swarm", "%s: expected a PEM file of certificates", ca);
	swarm_tls_client_free(*client);
	return KS_ECONFIG;
}

void swarm_tls_client_free(struct swarm_tls_client *client)
{
	SSL_CTX_free(context(client));
}

int swarm_tls_new(struct swarm_tls_client *client, int fd, const char *name, struct swarm_tls **tls)
{
	SSL *ssl = SSL_new(context(client));
	struct in6_addr literal;
	bool address = inet_pton(AF_INET, name, &literal) == 1 || inet_pton(AF_INET6, name, &literal) == 1;

	*tls = (struct swarm_tls *)ssl;
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
		return -ENOMEM;
	/* An address cannot be named in the greeting (RFC 6066, 3), and is looked for elsewhere in a certificate. The
	 * macro takes const away, though OpenSSL only reads. */
	if (address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) != 1 :
		      SSL_set_tlsext_host_name(ssl, (char *)(uintptr_t)name) != 1 || SSL_set1_host(ssl, name) != 1)
		return -ENOMEM;
	SSL_set_connect_state(ssl);
	return KS_EOK;
}

void swarm_tls_free(struct swarm_tls *tls)
{
	SSL_free(session(tls));
}

int swarm_tls_handshake(struct swarm_tls *tls, uint32_t *events)
{
	int done, err;

	ERR_clear_error();
	done = SSL_do_handshake(session(tls));
	err = SSL_get_error(session(tls), done);
	if (done == 1)
		return 1;
	if (err != SSL_ERROR_WANT_READ && err != SSL_ERROR_WANT_WRITE)
		return KS_EAUTH;
	*events = err == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT;
	return 0;
}

ssize_t swarm_tls_send(struct swarm_tls *tls, const void *bytes, size_t len)
{
	int n, err;

	ERR_clear_error();
	n = SSL_write(session(tls), bytes, len < INT_MAX ? (int)len : INT_MAX);
	if (n > 0)
		return n;
	err = SSL_get_error(session(tls), n);
	return err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE ? 0 : -ECONNRESET;
}

ssize_t swarm_tls_recv(struct swarm_tls *tls, void *bytes, size_t room)
{
	int n, err;

	ERR_clear_error();
	n = SSL_read(session(tls), bytes, room < INT_MAX ? (int)room : INT_MAX);
	if (n > 0)
		return n;
	err = SSL_get_error(session(tls), n);
	if (err == SSL_ERROR_ZERO_RETURN)
		return 0;
	return err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE ? -EAGAIN : -ECONNRESET;
}

#else

int swarm_tls_client_new(struct swarm_tls_client **client, const char *ca)
{
	(void)ca;
	*client = NULL;
	ks_error("swarm", "this build had no OpenSSL and cannot speak TLS; install its headers (Debian: libssl-dev), "
		 "then configure and make again");
	return KS_ECONFIG;
}

void swarm_tls_client_free(struct swarm_tls_client *client)
{
	(void)client;
}

int swarm_tls_new(struct swarm_tls_client *client, int fd, const char *name, struct swarm_tls **tls)
{
	(void)client;
	(void)fd;
	(void)name;
	*tls = NULL;
	return -EPROTONOSUPPORT;
}

void swarm_tls_free(struct swarm_tls *tls)
{
	(void)tls;
}

int swarm_tls_handshake(struct swarm_tls *tls, uint32_t *events)
{
	(void)tls;
	(void)events;
	return KS_EAUTH;
}

ssize_t swarm_tls_send(struct swarm_tls *tls, const void *bytes, size_t len)
{
	(void)tls;
	(void)bytes;
	(void)len;
	return -EPROTONOSUPPORT;
}

ssize_t swarm_tls_recv(struct swarm_tls *tls, void *bytes, size_t room)
{
	(void)tls;
	(void)bytes;
	(void)room;
	return -EPROTONOSUPPORT;
}

#endif
