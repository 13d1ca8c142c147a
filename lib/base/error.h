/* SPDX-License-Identifier: Apache-2.0
 *
 * One range of errors for the whole project. A function that can fail returns KS_EOK (0) or a negative
 * number: either -errno for what the system refused, or one of the values below for what we refused.
 */
#ifndef KS_BASE_ERROR_H
#define KS_BASE_ERROR_H

enum ks_error {
	KS_EOK = 0,

	KS_EBASE = -1000,	/* below every -errno */
	KS_ETRUNC = KS_EBASE,	/* the input ends before its last field */
	KS_EMALFORMED,		/* a field has a value that the format does not allow */
	KS_EVERSION,		/* another version of the format, or another format */
	KS_ELIMIT,		/* over a named limit of this build */
	KS_EAUTH,		/* not signed or sealed by a key that is trusted here */
	KS_EDIGEST,		/* the bytes are not those that were signed */
	KS_EREPLAY,		/* a datagram that was seen before, or is too old to tell */
	KS_ESTALE,		/* not newer than what is already there */
	KS_ENOTYET,		/* does not exist yet */
	KS_EGONE,		/* existed, and is no longer held */
	KS_EMOVED,		/* overwritten while it was being read; try again */
	KS_EKEY,		/* a key file that cannot be used */
	KS_ECONFIG,		/* a setting that cannot be used; the reason has been logged */
	KS_ENODATA,		/* nothing there (yet); not a failure of the source */
	KS_EEND,		/* the source has ended and will give no more */
	KS_EERROR_END		/* one past the last; keep it last */
};

/* A constant sentence fragment for any value that a ks_ function returns; never NULL. Thread-safe for
 * the values above; for -errno it is strerror()'s text. */
const char *ks_strerror(int err);

/* Of several steps that are all taken, whatever becomes of the others: the error of the first that failed. */
static inline void ks_keep_first(int *first, int err)
{
	if (*first == KS_EOK)
		*first = err;
}

#endif
