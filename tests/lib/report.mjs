/* report.mjs - counts what passed and failed over all suites, and says it in short lines. */

export class Report {
    #rows = [];
    #skipped = [];
    #told = new Map();
    #start = 0;
    #before = { passed: 0, failed: 0 };

    get passed() {
        return this.#rows.filter((r) => r.ok).length;
    }

    get failed() {
        return this.#rows.length - this.passed;
    }

    /* The names of what passed and failed in the suites whose name begins so. */
    ran(suite) {
        const rows = this.#rows.filter((r) => r.suite.split(" ")[0] === suite);
        const failed = new Set(rows.filter((r) => !r.ok).map((r) => r.name));
        const passed = rows.filter((r) => r.ok && !failed.has(r.name)).map((r) => r.name);
        return { passed: [...new Set(passed)], failed: [...failed] };
    }

    begin(suite) {
        this.#start = Date.now();
        this.#before = { passed: this.passed, failed: this.failed };
        console.log(`\n${suite}`);
    }

    end(suite) {
        const passed = this.passed - this.#before.passed;
        const failed = this.failed - this.#before.failed;
        /* a suite in which nothing ran has shown nothing */
        if (passed + failed === 0 && !this.#skipped.some((s) => s.suite === suite))
            this.fail(suite, "(all)", "no test ran");
        const seconds = ((Date.now() - this.#start) / 1000).toFixed(1);
        console.log(
            `  ${suite}: ${passed} passed, ${this.failed - this.#before.failed} failed in ${seconds} s`,
        );
    }

    pass(suite, name) {
        this.#rows.push({ ok: true, suite, name });
    }

    fail(suite, name, why) {
        this.#rows.push({ ok: false, suite, name });
        const text = this.#once(suite, String(why ?? "").trimEnd());
        const lines = text.split("\n");
        const shown = lines.length > 60 ? ["...", ...lines.slice(-60)] : lines;
        console.log(`  FAILED ${suite}: ${name}`);
        if (text) console.log(shown.map((l) => `      ${l}`).join("\n"));
    }

    /* What fails everything for one reason is told at length twice only. */
    #once(suite, text) {
        const key = `${suite}\n${text.split("\n", 3).join("\n")}`;
        const seen = (this.#told.get(key) ?? 0) + 1;
        this.#told.set(key, seen);
        return seen <= 2 ? text : `${text.split("\n", 1)[0]} (as above)`;
    }

    skip(suite, name, why) {
        this.#skipped.push({ suite, name });
        console.log(`  skipped ${suite}: ${name} (${why})`);
    }

    /* The summary; true when nothing failed. */
    finish() {
        console.log("");
        const failed = this.#rows.filter((r) => !r.ok);
        if (this.#skipped.length > 0)
            console.log(`skipped: ${this.#skipped.map((s) => `${s.suite}: ${s.name}`).join("; ")}`);
        if (failed.length > 0) {
            console.log("failed:");
            for (const r of failed) console.log(`  ${r.suite}: ${r.name}`);
        }
        console.log(`${this.passed} passed, ${failed.length} failed`);
        return failed.length === 0;
    }
}
