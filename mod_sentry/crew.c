/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/crew.h"

#include <apr_queue.h>

struct ks_crew {
	apr_queue_t *queue;
	void (*work)(void *piece, apr_thread_t *thread);
	apr_thread_t *threads[KS_CREW_THREADS_MAX];
	unsigned n;
};

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *ctx)
{
	struct ks_crew *crew = ctx;
	apr_status_t rv;
	void *piece;

	while ((rv = apr_queue_pop(crew->queue, &piece)) != APR_EOF)
		if (rv == APR_SUCCESS)
			crew->work(piece, thread);
	return NULL;
}

struct ks_crew *ks_crew_new(apr_pool_t *pool, unsigned threads, unsigned queued,
			    void (*work)(void *piece, apr_thread_t *thread))
{
	struct ks_crew *crew = apr_pcalloc(pool, sizeof(*crew));

	crew->work = work;
	if (threads > KS_CREW_THREADS_MAX || apr_queue_create(&crew->queue, queued, pool) != APR_SUCCESS)
		return NULL;
	while (crew->n < threads) {
		if (apr_thread_create(&crew->threads[crew->n], NULL, run, crew, pool) != APR_SUCCESS) {
			ks_crew_end(crew);
			return NULL;
		}
		crew->n++;
	}
	return crew;
}

bool ks_crew_push(struct ks_crew *crew, void *piece)
{
	apr_status_t rv;

	while ((rv = apr_queue_trypush(crew->queue, piece)) == APR_EINTR)
		;
	return rv == APR_SUCCESS;
}

void ks_crew_end(struct ks_crew *crew)
{
	apr_status_t rv;

	if (crew == NULL)
		return;
	apr_queue_term(crew->queue);
	for (unsigned i = 0; i < crew->n; i++)
		apr_thread_join(&rv, crew->threads[i]);
	crew->n = 0;
}
