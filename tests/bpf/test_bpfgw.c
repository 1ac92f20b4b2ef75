// SPDX-License-Identifier: BSD-2-Clause
/*
 * The loader: pins, adoption, links, modes, refusals - on a bpffs and on veths of the test's own.
 */
#include "gateway_setup.h"

#include <dirent.h>

#include <linux/if_link.h>

static char err[BPFGW_ERR_LEN];

static int entries_in(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	if (!d)
		return 0;
	while ((e = readdir(d)))
		n += !strchr(e->d_name, '.'); /* maps.debug, progs.debug: the kernel's own */
	closedir(d);
	return n;
}

static char *pin_dir(void)
{
	static char dir[128];

	snprintf(dir, sizeof(dir), "%s/v%d", lab_bpffs, SIPSEAL_ABI_VERSION);
	return dir;
}

static uint32_t prog_on(const char *name, unsigned *ret_mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);

	assert_int_equal(bpf_xdp_query((int)if_nametoindex(name), 0, &q), 0);
	if (ret_mode)
		*ret_mode = q.attach_mode;
	return q.prog_id;
}

static uint32_t prog_id(const struct bpfgw *g)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(g->skel->progs.sipseal_gateway), &info, &len),
			 0);
	return info.id;
}

static struct bpfgw *open_ok(void)
{
	struct bpfgw *g = NULL;

	if (bpfgw_open(lab_bpffs, &g, err) < 0)
		fail_msg("%s", err);
	return g;
}

/* Open, tables and configuration of @generation. */
static struct bpfgw *start(uint32_t generation)
{
	struct bpfgw *g = open_ok();
	struct sipseal_config c = config_build(0, generation);

	if (bpfgw_fill(g, tables[0], generation, err) < 0)
		fail_msg("%s", err);
	assert_int_equal(bpfgw_config_set(g, &c), 0);
	return g;
}

static void attach_ok(struct bpfgw *g, unsigned port, const char *name, int mode, bool want_native)
{
	bool is_native = !want_native;

	if (bpfgw_attach(g, port, if_nametoindex(name), name, mode, &is_native, err) < 0)
		fail_msg("%s", err);
	assert_int_equal(is_native, want_native);
}

static int teardown(void **state)
{
	(void)state;
	assert_true(bpfgw_detach_all(lab_bpffs, err) >= 0);
	assert_int_equal(entries_in(lab_bpffs), 0);
	assert_int_equal(prog_on("c0", NULL), 0);
	assert_int_equal(prog_on("k0", NULL), 0);
	return 0;
}

static void test_no_bpffs(void **state)
{
	struct bpfgw *g = (void *)1;

	(void)state;
	assert_int_equal(bpfgw_open("/tmp", &g, err), -ENOTSUP);
	assert_non_null(strstr(err, "/tmp"));
	assert_non_null(strstr(err, "mount -t bpf"));
	assert_int_equal(bpfgw_open("/nonexistent/bpf", &g, err), -ENOTSUP);
	assert_ptr_equal(g, (void *)1);
	assert_int_equal(bpfgw_detach_all("/tmp", err), -ENOTSUP);
}

/* Without capabilities: a clear text, in a child that gives them up. */
static void test_no_capability(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid) {
		struct bpfgw *g = NULL;

		if (chmod(lab_bpffs, 0755) < 0 || setuid(65534) < 0)
			_exit(2);
		_exit(bpfgw_open(lab_bpffs, &g, err) == -EPERM && strstr(err, "CAP_BPF") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(lab_bpffs, 0700), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_open_leaves_nothing(void **state)
{
	struct bpfgw *g = start(1);

	(void)state;
	assert_false(bpfgw_was_adopted(g));
	bpfgw_close(g);
	assert_int_equal(entries_in(lab_bpffs), 0);
}

static void test_attach_native_and_generic(void **state)
{
	struct bpfgw *g = start(1);
	struct stat st;
	unsigned mode;

	(void)state;
	attach_ok(g, 0, "c0", 1, true);
	attach_ok(g, 1, "k0", 2, false);
	assert_int_equal(prog_on("c0", &mode), prog_id(g));
	assert_int_equal(mode, XDP_ATTACHED_DRV);
	assert_int_equal(prog_on("k0", &mode), prog_id(g));
	assert_int_equal(mode, XDP_ATTACHED_SKB);
	assert_int_equal(stat(pin_dir(), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	bpfgw_close(g);
	assert_int_not_equal(prog_on("c0", NULL), 0); /* pins keep it */
}

/* lo has no native XDP. */
static void test_auto_falls_back(void **state)
{
	struct bpfgw *g = start(1);
	bool is_native;

	(void)state;
	assert_int_equal(bpfgw_attach(g, 0, if_nametoindex("lo"), "lo", 1, &is_native, err), -EOPNOTSUPP);
	assert_non_null(strstr(err, "generic"));
	assert_int_equal(entries_in(lab_bpffs), 0);
	attach_ok(g, 0, "lo", 0, false);
	bpfgw_close(g);
}

static void test_adopt(void **state)
{
	struct bpfgw *g = start(1);
	uint32_t old = prog_id(g);
	static uint64_t sums[SR_XDP_MAX];
	static struct frame f;
	static struct run r;
	/* a reason that the chatter of the veths themselves does not have */
	const struct spec s = { .src = "10.0.1.5", .dst = "203.0.113.77" };

	(void)state;
	attach_ok(g, 0, "c0", 0, true);
	attach_ok(g, 1, "k0", 0, true);
	frame_build(&f, &s);
	gw = g;
	gateway_run(&f, CORE, 0, &r);
	bpfgw_close(g);

	g = gw = open_ok();
	assert_true(bpfgw_was_adopted(g));
	assert_int_equal(bpfgw_generation(g), 1);
	assert_int_equal(prog_on("c0", NULL), old); /* running until it is replaced */
	assert_int_equal(bpfgw_config(g)->sip_ports[1], 5070);
	assert_int_equal(bpfgw_counters(g, CORE, sums), 0);
	assert_int_equal(sums[SR_UNMATCHED_INVITE], 1);
	assert_int_equal(bpfgw_fill(g, tables[0], 3, err), -EBUSY); /* the copy in use */
	assert_int_equal(bpfgw_fill(g, tables[0], 2, err), 0);
	attach_ok(g, 0, "c0", 0, true);
	attach_ok(g, 1, "k0", 0, true);
	assert_int_equal(prog_on("c0", NULL), prog_id(g));
	assert_int_equal(prog_on("k0", NULL), prog_id(g));
	assert_int_not_equal(prog_id(g), old);
	/* what it adopted, a failed start does not take down */
	bpfgw_detach_port(g, 0);
	bpfgw_detach_port(g, 1);
	assert_int_equal(prog_on("c0", NULL), prog_id(g));
	bpfgw_close(g);
}

static void test_adopt_other_mode(void **state)
{
	struct bpfgw *g = start(1);
	unsigned mode;

	(void)state;
	attach_ok(g, 0, "c0", 2, false);
	bpfgw_close(g);
	g = open_ok();
	attach_ok(g, 0, "c0", 1, true);
	assert_int_equal(prog_on("c0", &mode), prog_id(g));
	assert_int_equal(mode, XDP_ATTACHED_DRV);
	bpfgw_close(g);
}

/* The NIC of a pinned link went away and another has its place. */
static void test_adopt_dead_link(void **state)
{
	struct bpfgw *g = start(1);
	char cmd[128];
	unsigned ifindex;

	(void)state;
	lab_run("ip link add d0 numrxqueues 2 numtxqueues 2 type veth peer name d0p");
	ifindex = if_nametoindex("d0");
	attach_ok(g, 2, "d0", 0, true);
	bpfgw_close(g);
	lab_run("ip link del d0");
	snprintf(cmd, sizeof(cmd), "ip link add d1 index %u numrxqueues 2 numtxqueues 2 type veth peer name d1p",
		 ifindex);
	lab_run(cmd);
	g = open_ok();
	attach_ok(g, 2, "d1", 0, true);
	assert_int_equal(prog_on("d1", NULL), prog_id(g));
	bpfgw_close(g);
	lab_run("ip link del d1");
}

/* Another order of the same NICs: until they are attached anew, nothing leaves by the NIC of before. */
static void test_ports_change_places(void **state)
{
	struct bpfgw *g = start(1);
	struct sipseal_config c = config_build(CF_FORWARD, 2);
	struct sipseal_port first = c.ports[CORE];
	const struct spec s = { .src = "10.0.1.5", .dst = "203.0.113.10", .text = OPTIONS };
	static struct frame f;
	static struct run r;

	(void)state;
	gw = g;
	frame_build(&f, &s);
	attach_ok(g, 0, "c0", 0, true);
	attach_ok(g, 1, "k0", 0, true);
	assert_int_equal(bpfgw_config_set(g, &c), 0);
	gateway_run_ifindex(&f, if_nametoindex("c0"), 0, 1, &r);
	assert_int_equal(r.action, XDP_REDIRECT);
	c.ports[CORE] = c.ports[CARRIER];
	c.ports[CARRIER] = first;
	assert_int_equal(bpfgw_config_set(g, &c), 0);
	gateway_run_ifindex(&f, if_nametoindex("c0"), 0, 1, &r);
	assert_int_equal(r.action, XDP_PASS);
	attach_ok(g, 0, "k0", 0, true);
	attach_ok(g, 1, "c0", 0, true);
	gateway_run_ifindex(&f, if_nametoindex("c0"), 0, 1, &r);
	assert_int_equal(r.action, XDP_REDIRECT);
	bpfgw_close(g);
}

static void test_removed_port_is_detached(void **state)
{
	struct bpfgw *g = start(1);
	struct sipseal_config c = config_build(0, 2);

	(void)state;
	attach_ok(g, 0, "c0", 0, true);
	attach_ok(g, 1, "k0", 0, true);
	c.ports[CARRIER].ifindex = 0;
	assert_int_equal(bpfgw_config_set(g, &c), 0);
	assert_int_equal(prog_on("k0", NULL), 0);
	assert_int_equal(prog_on("c0", NULL), prog_id(g));
	bpfgw_close(g);
}

/* A start that fails at its second NIC. */
static void test_failed_start_leaves_nothing(void **state)
{
	struct bpfgw *g = start(1);
	bool is_native;

	(void)state;
	attach_ok(g, 0, "c0", 0, true);
	assert_int_equal(bpfgw_attach(g, 1, 99999, "gone0", 0, &is_native, err), -ENODEV);
	assert_non_null(strstr(err, "gone0"));
	bpfgw_detach_port(g, 0);
	bpfgw_detach_port(g, 1);
	assert_int_equal(prog_on("c0", NULL), 0);
	assert_int_equal(entries_in(lab_bpffs), 0);
	attach_ok(g, 0, "c0", 0, true); /* and it can be tried again */
	bpfgw_close(g);
}

/* Somebody else's program, by link and by netlink. */
static int other_prog(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "other", "GPL", insns, 2, NULL);
}

static void test_never_steals(void **state)
{
	struct bpfgw *g = start(1);
	int prog = other_prog(), ifindex = (int)if_nametoindex("c0"), link;
	LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);
	bool is_native;
	uint32_t id;

	(void)state;
	assert_true(prog >= 0);
	for (int by_link = 0; by_link < 2; by_link++) {
		link = -1;
		if (by_link)
			assert_true((link = bpf_link_create(prog, ifindex, BPF_XDP, &generic)) >= 0);
		else
			assert_int_equal(bpf_xdp_attach(ifindex, prog, XDP_FLAGS_DRV_MODE, NULL), 0);
		id = prog_on("c0", NULL);
		for (int mode = 0; mode < 3; mode++) {
			assert_int_equal(bpfgw_attach(g, 0, (unsigned)ifindex, "c0", mode, &is_native, err),
					 -EBUSY);
			assert_non_null(strstr(err, "c0: another XDP program"));
		}
		assert_int_equal(prog_on("c0", NULL), id);
		assert_int_equal(entries_in(lab_bpffs), 0);
		if (by_link)
			close(link);
		else
			assert_int_equal(bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, NULL), 0);
	}
	close(prog);
	bpfgw_close(g);
}

static void test_refusals_of_veth(void **state)
{
	struct bpfgw *g = start(1);
	bool is_native;

	(void)state;
	lab_run("ip link add m0 mtu 9000 type veth peer name m0p mtu 9000");
	assert_int_equal(bpfgw_attach(g, 2, if_nametoindex("m0"), "m0", 0, &is_native, err), -ERANGE);
	assert_non_null(strstr(err, "3506"));
	lab_run("ip link del m0; ip link add m0 numrxqueues 1 numtxqueues 1 type veth peer name m0p "
		"numrxqueues 4 numtxqueues 4");
	assert_int_equal(bpfgw_attach(g, 2, if_nametoindex("m0"), "m0", 0, &is_native, err), -ENOSPC);
	assert_non_null(strstr(err, "queues"));
	lab_run("ip link del m0");
	assert_int_equal(entries_in(lab_bpffs), 0);
	bpfgw_close(g);
}

static void test_other_abi(void **state)
{
	struct bpfgw *g = start(1);

	(void)state;
	attach_ok(g, 0, "c0", 0, true);
	g->skel->data_config->sipseal_config.abi_version = 77;
	bpfgw_close(g);
	g = (void *)1;
	assert_int_equal(bpfgw_open(lab_bpffs, &g, err), -EPROTO);
	assert_non_null(strstr(err, "77"));
	assert_non_null(strstr(err, "--detach"));
	assert_ptr_equal(g, (void *)1);
}

/* What is pinned becomes that of an older version, as an upgrade would find it. */
static void make_older(unsigned abi, char path[160])
{
	snprintf(path, 160, "%s/v%u", lab_bpffs, abi);
	assert_int_equal(rename(pin_dir(), path), 0);
}

/* An upgrade: the NICs change programs without being without one, and nothing of the older version stays. */
static void take_over(unsigned abi)
{
	struct bpfgw *g = start(1);
	uint32_t old = prog_id(g);
	char path[160];

	attach_ok(g, 0, "c0", 0, true);
	attach_ok(g, 1, "k0", 2, false);
	attach_ok(g, 2, "x0", 0, true); /* no port any more later on */
	bpfgw_close(g);
	make_older(abi, path);
	g = open_ok();
	assert_false(bpfgw_was_adopted(g));
	assert_int_equal(bpfgw_generation(g), 0);
	bpfgw_close(g);
	assert_int_equal(prog_on("x0", NULL), old);
	g = start(1);
	assert_int_equal(prog_on("x0", NULL), 0);
	assert_int_equal(prog_on("c0", NULL), old);
	attach_ok(g, 0, "c0", 0, true);
	assert_int_equal(prog_on("c0", NULL), prog_id(g));
	assert_int_equal(prog_on("k0", NULL), old);
	assert_true(entries_in(path) > 0);
	attach_ok(g, 1, "k0", 0, false); /* auto: as it is */
	assert_int_equal(prog_on("k0", NULL), prog_id(g));
	assert_int_equal(entries_in(lab_bpffs), 1);
	/* a start that fails now leaves what it has taken over */
	bpfgw_detach_port(g, 0);
	bpfgw_detach_port(g, 1);
	assert_int_equal(prog_on("c0", NULL), prog_id(g));
	bpfgw_close(g);
	g = open_ok();
	assert_true(bpfgw_was_adopted(g));
	bpfgw_close(g);
}

static void test_take_over(void **state)
{
	(void)state;
	for (unsigned abi = 1; abi < SIPSEAL_ABI_VERSION; abi++) {
		take_over(abi);
		assert_true(bpfgw_detach_all(lab_bpffs, err) >= 0);
	}
}

/* Upgrades that were cut off half-way: each version has left a NIC. */
static void test_take_over_of_two(void **state)
{
	struct bpfgw *g = start(1);
	char path[160];

	(void)state;
	attach_ok(g, 0, "c0", 0, true);
	bpfgw_close(g);
	make_older(1, path);
	g = start(1);
	attach_ok(g, 1, "k0", 2, false);
	bpfgw_close(g);
	make_older(2, path);
	assert_int_equal(entries_in(lab_bpffs), 2);
	g = start(1);
	attach_ok(g, 0, "c0", 0, true);
	attach_ok(g, 1, "k0", 0, false);
	assert_int_equal(prog_on("c0", NULL), prog_id(g));
	assert_int_equal(prog_on("k0", NULL), prog_id(g));
	assert_int_equal(entries_in(lab_bpffs), 1);
	bpfgw_close(g);
}

/* Another mode is wanted: a new link. */
static void test_take_over_other_mode(void **state)
{
	struct bpfgw *g = start(1);
	char path[160];

	(void)state;
	attach_ok(g, 0, "c0", 2, false);
	bpfgw_close(g);
	make_older(SIPSEAL_ABI_VERSION - 1, path);
	g = start(1);
	attach_ok(g, 0, "c0", 1, true);
	assert_int_equal(prog_on("c0", NULL), prog_id(g));
	assert_int_equal(entries_in(lab_bpffs), 1);
	bpfgw_close(g);
}

static void test_detach_older(void **state)
{
	struct bpfgw *g = start(1);
	char path[160];

	(void)state;
	attach_ok(g, 0, "c0", 0, true);
	bpfgw_close(g);
	make_older(SIPSEAL_ABI_VERSION - 1, path);
	assert_int_equal(bpfgw_detach_all(lab_bpffs, err), 1);
	assert_int_equal(prog_on("c0", NULL), 0);
	assert_int_equal(entries_in(lab_bpffs), 0);
}

static void test_incomplete_pins(void **state)
{
	struct bpfgw *g = start(1);
	char path[160];

	(void)state;
	attach_ok(g, 0, "c0", 0, true);
	bpfgw_close(g);
	snprintf(path, sizeof(path), "%s/peers1", pin_dir());
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bpfgw_open(lab_bpffs, &g, err), -EPROTO);
}

static void test_detach_all_versions(void **state)
{
	struct bpfgw *g = start(1);
	char path[160];
	int fd;

	(void)state;
	attach_ok(g, 0, "c0", 0, true);
	attach_ok(g, 1, "k0", 0, true);
	snprintf(path, sizeof(path), "%s/v99", lab_bpffs);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/v99/old", lab_bpffs);
	fd = bpfgw_heartbeat_fd(g);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	snprintf(path, sizeof(path), "%s/vault", lab_bpffs); /* not ours */
	assert_int_equal(mkdir(path, 0700), 0);
	bpfgw_close(g);
	assert_int_equal(bpfgw_detach_all(lab_bpffs, err), 2);
	assert_int_equal(prog_on("c0", NULL), 0);
	assert_int_equal(entries_in(lab_bpffs), 1);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(bpfgw_detach_all(lab_bpffs, err), 0);
}

static void test_bad_arguments(void **state)
{
	struct bpfgw *g = start(1);
	struct sipseal_config c = config_build(0, 2);
	static uint64_t sums[SR_XDP_MAX];
	bool is_native;

	(void)state;
	c.ports[0].queues = SIPSEAL_QUEUES_MAX + 1;
	assert_int_equal(bpfgw_config_set(g, &c), -EINVAL);
	c = config_build(0, 2);
	c.sip_port_cnt = SIPSEAL_SIP_PORTS_MAX + 1;
	assert_int_equal(bpfgw_config_set(g, &c), -EINVAL);
	assert_int_equal(bpfgw_generation(g), 1);
	assert_int_equal(bpfgw_xsk_set(g, SIPSEAL_PORTS_MAX, 0, xsk_fd), -EINVAL);
	assert_int_equal(bpfgw_xsk_set(g, 0, SIPSEAL_QUEUES_MAX, xsk_fd), -EINVAL);
	assert_int_equal(bpfgw_counters(g, SIPSEAL_COUNTER_ROWS, sums), -EINVAL);
	assert_int_equal(bpfgw_attach(g, SIPSEAL_PORTS_MAX, 1, "lo", 0, &is_native, err), -EINVAL);
	bpfgw_close(g);
	bpfgw_close(NULL);
}

/* The signer maps the heartbeats; worker i is word i. */
static void test_heartbeat_mapping(void **state)
{
	struct bpfgw *g = start(1);
	uint64_t *beats = mmap(NULL, SIPSEAL_WORKERS_MAX * 8, PROT_READ | PROT_WRITE, MAP_SHARED,
			       bpfgw_heartbeat_fd(g), 0);
	uint32_t worker = 5;
	uint64_t value = 0;

	(void)state;
	assert_true(beats != MAP_FAILED);
	beats[5] = 4711;
	assert_int_equal(bpf_map_lookup_elem(bpfgw_heartbeat_fd(g), &worker, &value), 0);
	assert_int_equal(value, 4711);
	munmap(beats, SIPSEAL_WORKERS_MAX * 8);
	bpfgw_close(g);
}

#define T(fn) cmocka_unit_test_teardown(fn, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(test_no_bpffs), T(test_no_capability), T(test_open_leaves_nothing),
		T(test_attach_native_and_generic), T(test_auto_falls_back), T(test_adopt),
		T(test_adopt_other_mode), T(test_adopt_dead_link), T(test_ports_change_places),
		T(test_adopt_other_mode), T(test_adopt_dead_link), T(test_removed_port_is_detached),
		T(test_failed_start_leaves_nothing), T(test_never_steals), T(test_refusals_of_veth),
		T(test_other_abi), T(test_take_over), T(test_take_over_of_two),
		T(test_take_over_other_mode), T(test_detach_older),
		T(test_incomplete_pins), T(test_detach_all_versions),
		T(test_bad_arguments), T(test_heartbeat_mapping),
	};
	int failed;

	lab_up();
	lab_network();
	ifindex_of[CORE] = if_nametoindex("c0");
	ifindex_of[CARRIER] = if_nametoindex("k0");
	xsk_fd = lab_xsk();
	tables[0] = tables_build(0, 0);
	failed = cmocka_run_group_tests_name("bpfgw", tests, NULL, NULL);
	matchset_free(tables[0]);
	close(xsk_fd);
	return !!failed;
}
