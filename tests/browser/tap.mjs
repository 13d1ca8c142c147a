/* SPDX-License-Identifier: Apache-2.0
 *
 * TAP, in as little as it takes: suite() runs the cases one after another, each may throw.
 */
export function skipAll(why) {
	console.log(`1..0 # SKIP ${why}`);
	process.exit(0);
}

/* cases: [name, function] pairs. A suite that takes longer than limit_ms fails as a whole. */
export async function suite(cases, limit_ms) {
	let failed = 0;
	const watchdog = setTimeout(() => {
		console.log(`Bail out! not done after ${limit_ms} ms`);
		process.exit(1);
	}, limit_ms);
	console.log(`1..${cases.length}`);
	for (const [n, [name, run]] of cases.entries()) {
		try {
			await run();
			console.log(`ok ${n + 1} - ${name}`);
		} catch (error) {
			failed++;
			console.log(`not ok ${n + 1} - ${name}`);
			console.log(String(error.stack ?? error).replace(/^/gm, "# "));
		}
	}
	clearTimeout(watchdog);
	process.exitCode = failed ? 1 : 0;
}

/* Waits until check() is neither false nor null, and returns what it is. */
export async function until(what, ms, check) {
	for (const end = performance.now() + ms; ;) {
		const got = await check();
		if (got !== false && got !== null && got !== undefined)
			return got;
		if (performance.now() > end)
			throw new Error(`waited ${ms} ms in vain: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 25));
	}
}
