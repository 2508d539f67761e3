/* spawned.mjs - run a program to its end, with a limit of time and its whole output. */

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/* {code, signal, stdout, stderr, output, timedOut, ms}; output is both in order of arrival.  On
 * timeout the whole process group is ended. */
export function run(command, args = [], options = {}) {
    const { input, timeout = 60_000, cwd = ROOT, env = process.env, onLine } = options;
    return new Promise((resolve, reject) => {
        const began = performance.now();
        const child = spawn(command, args, {
            cwd,
            env,
            detached: true,
            stdio: ["pipe", "pipe", "pipe"],
        });
        const all = { stdout: [], stderr: [], output: [] };
        let timedOut = false;
        let partial = "";
        const timer = setTimeout(() => {
            timedOut = true;
            endGroup(child.pid);
        }, timeout);
        for (const name of ["stdout", "stderr"])
            child[name].on("data", (d) => {
                all[name].push(d);
                all.output.push(d);
                if (!onLine) return;
                const lines = (partial + d).split("\n");
                partial = lines.pop();
                for (const line of lines) onLine(line);
            });
        child.stdin.on("error", () => {}); /* it may end without reading its input */
        child.stdin.end(input ?? "");
        child.on("error", (e) => {
            clearTimeout(timer);
            reject(e);
        });
        child.on("close", (code, signal) => {
            clearTimeout(timer);
            const text = (name) => Buffer.concat(all[name]).toString("utf8");
            resolve({
                code,
                signal,
                timedOut,
                ms: performance.now() - began,
                stdout: text("stdout"),
                stdoutBytes: Buffer.concat(all.stdout),
                stderr: text("stderr"),
                output: text("output"),
            });
        });
    });
}

/* A child of ours was made the leader of a group; end it and what it started. */
export function endGroup(pid, signal = "SIGKILL") {
    try {
        process.kill(-pid, signal);
    } catch (e) {
        if (e.code !== "ESRCH") throw e;
    }
}

/* A program that is started with this in front ends when we do, however we end. */
export const WITH_US = ["setpriv", "--pdeathsig", "KILL"];

/* Programs made with sanitizers want a quieter address space than some kernels give. */
export function sanitizerPrefix() {
    const file = "/proc/sys/vm/mmap_rnd_bits";
    const bits = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
    return bits > 28 ? ["setarch", "-R"] : [];
}

export const SANITIZER_ENV = {
    ASAN_OPTIONS: "detect_leaks=1:detect_stack_use_after_return=1:exitcode=99",
    UBSAN_OPTIONS: "print_stacktrace=1",
    TSAN_OPTIONS: `second_deadlock_stack=1:exitcode=99:suppressions=${ROOT}/tests/tsan.supp`,
    LSAN_OPTIONS: `suppressions=${ROOT}/tests/lsan.supp:print_suppressions=0`,
};

export const SANITIZER_REPORT =
    /ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|FATAL: ThreadSanitizer|runtime error:|SUMMARY: \w*Sanitizer/;
