/* SPDX-License-Identifier: Apache-2.0
 *
 * relay: the real sentryc takes 30 pictures a second from this process through a path that drops a tenth of all
 * datagrams, both ways. What sentryc needs of a core is measured, verification and store included; the path and the
 * sender are in this process and are not counted.
 */
#include "bench/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <sodium.h>
#include <turbojpeg.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/keyfile.h"
#include "lib/frame/frame.h"
#include "lib/wire/node.h"
#include "lib/wire/sender.h"
#include "lib/wire/udp.h"

#define FPS 30
#define FRAME_BYTES 100000
#define LOSS_PERCENT 10
#define WIDTH 256
#define QUALITY 90
#define WARM_UP_MS 3000
#define JOIN_S 20
#define GOAL 10			/* percent of a core */
#define DELIVERED_PERCENT 99	/* of the frames; else it is no measure of taking them */

#define NAME "fps=30,bytes=100000,loss=10%"
#define METRIC "cpu_percent_of_core"
#define PATH_SIZE 256

/* Between the relay and its parent: forwards what it does not drop. */
struct path {
	struct ks_udp front, back;	/* the relay's side, and the parent's */
	struct sockaddr_in relay;
	uint64_t dice;
	struct event *from_relay, *from_parent;
};

struct chain {
	struct event_base *base;
	struct ks_node *parent;
	struct path path;
	struct event *timer;
	uint8_t secret_key[KS_SECRET_KEY_SIZE];
	unsigned char *jpeg;
	unsigned long jpeg_len;
	uint8_t *frame;
	uint32_t seq;
	char dir[PATH_SIZE];
	pid_t sentryc;
	clockid_t clock;
};

/* --- the path --------------------------------------------------------------------------------------- */

static bool is_dropped(struct path *path)
{
	path->dice ^= path->dice << 13;
	path->dice ^= path->dice >> 7;
	path->dice ^= path->dice << 17;
	return path->dice % 100 < LOSS_PERCENT;
}

static void pass_up(evutil_socket_t fd, short events, void *ctx)
{
	struct path *path = ctx;
	socklen_t len = sizeof(path->relay);
	uint8_t bytes[KS_UDP_DATAGRAM];
	ssize_t n;

	(void)events;
	while ((n = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&path->relay, &len)) > 0)
		if (!is_dropped(path))
			(void)!send(path->back.fd, bytes, (size_t)n, 0);
}

static void pass_down(evutil_socket_t fd, short events, void *ctx)
{
	struct path *path = ctx;
	uint8_t bytes[KS_UDP_DATAGRAM];
	ssize_t n;

	(void)events;
	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		if (!is_dropped(path))
			(void)!sendto(path->front.fd, bytes, (size_t)n, 0, (struct sockaddr *)&path->relay,
				      sizeof(path->relay));
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void start_path(struct chain *chain, uint16_t front, uint16_t back)
{
	struct path *path = &chain->path;
	struct sockaddr_in here = loopback(front), there = loopback(back);

	path->dice = 88172645463325252u;
	if (ks_udp_open(&path->front, AF_INET) != KS_EOK || ks_udp_open(&path->back, AF_INET) != KS_EOK ||
	    bind(path->front.fd, (struct sockaddr *)&here, sizeof(here)) != 0 ||
	    connect(path->back.fd, (struct sockaddr *)&there, sizeof(there)) != 0)
		bench_die("no sockets for the path");
	path->from_relay = event_new(chain->base, path->front.fd, EV_READ | EV_PERSIST, pass_up, path);
	path->from_parent = event_new(chain->base, path->back.fd, EV_READ | EV_PERSIST, pass_down, path);
	event_add(path->from_relay, NULL);
	event_add(path->from_parent, NULL);
}

static void stop_path(struct path *path)
{
	event_free(path->from_relay);
	event_free(path->from_parent);
	ks_udp_close(&path->front);
	ks_udp_close(&path->back);
}

/* --- pictures --------------------------------------------------------------------------------------- */

/* Noise, of so many rows that the picture is as long as it shall be. */
static void draw(struct chain *chain)
{
	static uint8_t grey[WIDTH * 4096];
	tjhandle encoder = tjInitCompress();

	randombytes_buf(grey, sizeof(grey));
	for (int rows = 8; chain->jpeg_len < FRAME_BYTES; rows += 8)
		if (rows > 4096 || tjCompress2(encoder, grey, WIDTH, 0, rows, TJPF_GRAY, &chain->jpeg, &chain->jpeg_len,
					       TJSAMP_GRAY, QUALITY, 0) != 0)
			bench_die("no picture of %d bytes can be made", FRAME_BYTES);
	tjDestroy(encoder);
}

static void send_frame(evutil_socket_t fd, short events, void *ctx)
{
	struct chain *chain = ctx;
	struct ks_manifest m = { .channel = "main", .rendition = "std", .id = { 16, ++chain->seq },
				 .captured_us = ks_wall_us(&ks_clock_system), .period_ms = 1000 / FPS };
	enum ks_jpeg_fault fault;
	struct ks_frame frame;

	(void)fd;
	(void)events;
	m.captured_mono_us = ks_mono_us(&ks_clock_system);
	if (ks_frame_sign(&m, chain->jpeg, chain->jpeg_len, chain->secret_key, chain->frame, KS_FRAME_MAX, &frame,
			  &fault) != KS_EOK || ks_node_frame(chain->parent, &frame, 0) != KS_EOK)
		bench_die("a frame cannot be sent");
}

/* --- the relay -------------------------------------------------------------------------------------- */

static void exec_sentryc(const char *program, const char *dir, uint16_t port)
{
	char parent[2 * PATH_SIZE], trust[PATH_SIZE + 16];

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	snprintf(parent, sizeof(parent), "parent,address=127.0.0.1:%u,key=%s/relay.key", port, dir);
	snprintf(trust, sizeof(trust), "%s/source.pub", dir);
	execl(program, program, "--config", "/dev/null", "--parent", parent, "--trust", trust, "--store-dir", dir,
	      "--history", "30", "--store-bytes", "16", "--log-level", "error", (char *)NULL);
	_exit(127);
}

static bool has_relay(struct chain *chain)
{
	return ks_node_relays(chain->parent) == 1;
}

static void run_ms(struct chain *chain, int64_t ms)
{
	const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(chain->base, &tv);
	event_base_dispatch(chain->base);
}

static void start_sentryc(struct chain *chain, const char *program, uint16_t port)
{
	int64_t end_us = ks_mono_us(&ks_clock_system) + JOIN_S * KS_US_PER_S;

	chain->sentryc = fork();
	if (chain->sentryc == 0)
		exec_sentryc(program, chain->dir, port);
	if (chain->sentryc < 0 || clock_getcpuclockid(chain->sentryc, &chain->clock) != 0)
		bench_die("sentryc cannot be started");
	while (!has_relay(chain)) {
		if (ks_mono_us(&ks_clock_system) > end_us || waitpid(chain->sentryc, NULL, WNOHANG) != 0)
			bench_die("sentryc has no session after %d s, or has ended", JOIN_S);
		run_ms(chain, 10);
	}
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* Also when the program ends early. */
static char dir_to_remove[PATH_SIZE];

static void remove_files(void)
{
	if (dir_to_remove[0] != '\0')
		nftw(dir_to_remove, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	dir_to_remove[0] = '\0';
}

/* Keys and stores, on a tmpfs if there is one. */
static void make_files(struct chain *chain, const struct ks_master *master)
{
	uint8_t public_key[KS_PUBLIC_KEY_SIZE];
	char path[PATH_SIZE + 16];
	struct ks_psk psk;

	snprintf(chain->dir, sizeof(chain->dir), "%s/koshien-bench-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(chain->dir) == NULL)
		bench_die("no folder %s: %s", chain->dir, strerror(errno));
	strcpy(dir_to_remove, chain->dir);
	atexit(remove_files);
	ks_psk_derive(&psk, master, "relay");
	ks_keypair(public_key, chain->secret_key);
	snprintf(path, sizeof(path), "%s/relay.key", chain->dir);
	if (ks_keyfile_write_named(path, KS_KEY_RELAY, "relay", psk.key, KS_PSK_SIZE) != KS_EOK)
		bench_die("no key file");
	snprintf(path, sizeof(path), "%s/source.pub", chain->dir);
	if (ks_keyfile_write(path, KS_KEY_SOURCE_PUBLIC, public_key, sizeof(public_key)) != KS_EOK)
		bench_die("no key file");
}

/* --- measuring -------------------------------------------------------------------------------------- */

static void start(struct chain *chain, const char *program)
{
	const struct ks_node_settings settings = { .sends = true, .nack = true, .datagram = KS_DATAGRAM_DEFAULT,
						   .loss_ppm = KS_LOSS_DEFAULT_PPM };
	const struct ks_node_ops ops = { 0 };
	uint16_t front = bench_free_port(), back = bench_free_port();
	struct ks_master master;
	char address[32];

	randombytes_buf(&master, sizeof(master));
	make_files(chain, &master);
	draw(chain);
	chain->frame = malloc(KS_FRAME_MAX);
	chain->base = event_base_new();
	snprintf(address, sizeof(address), "127.0.0.1:%u", back);
	if (chain->frame == NULL || chain->base == NULL ||
	    ks_node_new(&chain->parent, chain->base, &settings, &ops) != KS_EOK ||
	    ks_node_set_masters(chain->parent, &master, 1, NULL, 0) != KS_EOK ||
	    ks_node_listen(chain->parent, address) != KS_EOK)
		bench_die("the parent cannot be started");
	start_path(chain, front, back);
	start_sentryc(chain, program, front);
	chain->timer = event_new(chain->base, -1, EV_PERSIST, send_frame, chain);
	event_add(chain->timer, &(const struct timeval){ 0, 1000000 / FPS });
}

static void stop(struct chain *chain)
{
	kill(chain->sentryc, SIGTERM);
	waitpid(chain->sentryc, NULL, 0);
	ks_node_free(chain->parent);
	stop_path(&chain->path);
	event_free(chain->timer);
	event_base_free(chain->base);
	tjFree(chain->jpeg);
	free(chain->frame);
	remove_files();
}

/* What the relay says that it has got whole. */
static uint64_t reported(const struct chain *chain)
{
	static const char family[] = "\nkoshien_wire_relay_delivered_frames{";
	unsigned long long n = 0;
	char *text = NULL, *at;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	ks_node_metrics(chain->parent, out);
	fclose(out);
	at = strstr(text, family);
	at = at != NULL ? strchr(at + 1, ' ') : NULL;
	if (at != NULL)
		n = strtoull(at, NULL, 10);
	free(text);
	return n;
}

static int64_t sentryc_cpu_us(const struct chain *chain)
{
	struct timespec ts;

	if (clock_gettime(chain->clock, &ts) != 0)
		bench_die("sentryc has ended");
	return ts.tv_sec * KS_US_PER_S + ts.tv_nsec / 1000;
}

static void measure(struct chain *chain, const struct bench *bench)
{
	uint32_t first_seq;
	uint64_t before, got;

	run_ms(chain, WARM_UP_MS);
	first_seq = chain->seq;
	before = reported(chain);
	for (unsigned run = 0; run < bench->runs; run++) {
		int64_t from_us = ks_mono_us(&ks_clock_system), cpu_us = sentryc_cpu_us(chain);

		run_ms(chain, (int64_t)bench->window_s * 1000);
		cpu_us = sentryc_cpu_us(chain) - cpu_us;
		bench_sample(NAME, "relay", METRIC, run,
			     100.0 * (double)cpu_us / (double)(ks_mono_us(&ks_clock_system) - from_us));
	}
	got = reported(chain) - before;
	/* Reports come each second, so that both numbers may be a second old. */
	if ((got + FPS) * 100 < (uint64_t)(chain->seq - first_seq) * DELIVERED_PERCENT)
		bench_die("relay: %llu of %u frames arrived; that is no measure of taking them",
			  (unsigned long long)got, chain->seq - first_seq);
}

void bench_relay(const struct bench *bench)
{
	const char *build = getenv("top_builddir");
	struct chain chain = { 0 };
	char program[PATH_SIZE];

	snprintf(program, sizeof(program), "%s/relay/sentryc", build != NULL ? build : ".");
	if (access(program, X_OK) != 0) {
		bench_skipped(NAME, "relay", METRIC, "no relay/sentryc in the build directory");
		return;
	}
	bench_progress("relay, %s", NAME);
	start(&chain, program);
	bench_note("relay", "sentryc, verification and store included: %d pictures of %lu bytes a second from one "
		   "parent, NACK on, through a path in the parent's process that drops %d %% of all datagrams "
		   "both ways; on this interface the kernel's way up to the socket counts for the sender",
		   FPS, chain.jpeg_len, LOSS_PERCENT);
	measure(&chain, bench);
	bench_goal(NAME, "relay", METRIC, GOAL);
	stop(&chain);
}
