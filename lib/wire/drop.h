/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a datagram was not used: the label of the counters, by ks_drop_names[]. The last three are part of
 * normal life: the code's surplus, and what the network duplicates or reorders.
 */
#ifndef KS_WIRE_DROP_H
#define KS_WIRE_DROP_H

enum ks_drop {
	KS_DROP_NONE,
	KS_DROP_SHORT,		/* ends before its last field */
	KS_DROP_LONG,		/* above KS_DATAGRAM_MAX */
	KS_DROP_VERSION,	/* another version, or another protocol */
	KS_DROP_TYPE,		/* a type that is not for this side, or not known here */
	KS_DROP_KEY,		/* a key that is not accepted here */
	KS_DROP_SESSION,	/* no such session: it ended, or was never here */
	KS_DROP_REVOKED,	/* a relay whose key was revoked */
	KS_DROP_LOOP,		/* from this very program: it has its own address as a parent's */
	KS_DROP_COOKIE,		/* no cookie of ours for that address, or one too old: answered with a fresh one */
	KS_DROP_CLOCK,		/* a blind session that was announced too long ago, or by a wrong clock */
	KS_DROP_TAG,		/* not sealed by the key that it names: forged, damaged or a wrong key */
	KS_DROP_REPLAY,		/* seen before, or too old to tell */
	KS_DROP_MALFORMED,	/* authentic, with a field that the format does not allow */
	KS_DROP_CONFLICT,	/* contradicts what earlier datagrams said about the same object */
	KS_DROP_LIMIT,		/* over a named limit of this build */
	KS_DROP_RATE,		/* more of its kind than one relay may send in a while */
	KS_DROP_DISTRUST,	/* of a track of which this parent has sent what no source had signed */
	KS_DROP_LATE,		/* of an object older than the one delivered last */
	KS_DROP_DUPLICATE,	/* a shard that is here already */
	KS_DROP_SURPLUS,	/* of an object that is complete already */
	KS_DROPS
};

extern const char *const ks_drop_names[KS_DROPS];

#endif
