/* mount.mjs - a small disk of a test's own: a tmpfs that can be filled and emptied. */

import { spawnSync } from "node:child_process";
import {
    closeSync,
    ftruncateSync,
    mkdtempSync,
    openSync,
    rmSync,
    statfsSync,
    writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/* Why there can be none; false: there can. */
export const noMounts = (() => {
    const dir = mkdtempSync(join(tmpdir(), "doppel-mount-"));
    const r = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", dir], {
        encoding: "utf8",
    });
    if (r.status === 0) spawnSync("umount", [dir]);
    rmSync(dir, { recursive: true });
    return r.status === 0 ? false : "nothing can be mounted here (that takes root)";
})();

export class Disk {
    constructor(t, megabytes) {
        this.dir = mkdtempSync(join(tmpdir(), "doppel-disk-"));
        const r = spawnSync("mount", [
            "-t",
            "tmpfs",
            "-o",
            `size=${megabytes}m`,
            "tmpfs",
            this.dir,
        ]);
        if (r.status !== 0) throw new Error(`mount: ${r.stderr}`);
        this.filler = join(this.dir, "filler");
        t.after(() => {
            spawnSync("umount", ["-l", this.dir]);
            rmSync(this.dir, { recursive: true, force: true });
        });
    }

    get free() {
        const s = statfsSync(this.dir);
        return s.bavail * s.bsize;
    }

    /* Take all but so many bytes. */
    fill(leave = 0) {
        const fd = openSync(this.filler, "a");
        const zeroes = Buffer.alloc(1 << 20);
        try {
            while (this.free > leave)
                writeSync(fd, zeroes, 0, Math.min(zeroes.length, this.free - leave));
        } catch (e) {
            if (e.code !== "ENOSPC") throw e;
        } finally {
            closeSync(fd);
        }
    }

    empty() {
        const fd = openSync(this.filler, "a");
        ftruncateSync(fd, 0);
        closeSync(fd);
    }
}
