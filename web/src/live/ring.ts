/* ring.ts - the newest readings of one sensor in typed arrays, in time order.
 *
 * Holds at most `capacity` readings and starts small, since most sensors of a long list are never
 * looked at for long.  A reading of a time that is there replaces it (the last write wins); a late
 * one is put where it belongs; one older than everything kept in a full ring is left out. */

const FIRST_SIZE = 64;

export class Ring {
    readonly capacity: number;
    /* grows whenever something other than appending happened, so a reader knows to start over */
    edits = 0;
    private times: Float64Array;
    private values: Float64Array;
    private head = 0;
    private count = 0;

    constructor(capacity = 1024) {
        this.capacity = capacity;
        const size = Math.min(FIRST_SIZE, capacity);
        this.times = new Float64Array(size);
        this.values = new Float64Array(size);
    }

    get length(): number {
        return this.count;
    }

    /* i from 0, the oldest. */
    timeAt(i: number): number {
        return this.times[this.slot(i)] as number;
    }

    valueAt(i: number): number {
        return this.values[this.slot(i)] as number;
    }

    get oldest(): number {
        return this.count > 0 ? this.timeAt(0) : Number.POSITIVE_INFINITY;
    }

    get newest(): number {
        return this.count > 0 ? this.timeAt(this.count - 1) : Number.NEGATIVE_INFINITY;
    }

    push(t: number, v: number): void {
        if (t > this.newest) {
            this.append(t, v);
            return;
        }
        const i = this.firstFrom(t);
        this.edits++;
        if (this.timeAt(i) === t) {
            this.values[this.slot(i)] = v;
        } else {
            this.insert(i, t, v);
        }
    }

    /* The index of the first reading not before t; length when there is none. */
    firstFrom(t: number): number {
        let low = 0;
        let high = this.count;
        while (low < high) {
            const middle = (low + high) >>> 1;
            if (this.timeAt(middle) < t) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private slot(i: number): number {
        const at = this.head + i;
        return at >= this.times.length ? at - this.times.length : at;
    }

    private append(t: number, v: number): void {
        if (this.count === this.times.length) {
            if (this.count < this.capacity) this.grow();
            else {
                this.head = this.slot(1);
                this.count--;
            }
        }
        const at = this.slot(this.count++);
        this.times[at] = t;
        this.values[at] = v;
    }

    private insert(i: number, t: number, v: number): void {
        if (this.count === this.capacity && i === 0) return;
        const lastTime = this.timeAt(this.count - 1);
        const lastValue = this.valueAt(this.count - 1);
        const before = this.count;
        this.append(lastTime, lastValue);
        /* a full ring dropped its oldest: everything moved one down */
        const at = this.count === before ? i - 1 : i;
        for (let k = this.count - 1; k > at; k--) {
            this.times[this.slot(k)] = this.timeAt(k - 1);
            this.values[this.slot(k)] = this.valueAt(k - 1);
        }
        this.times[this.slot(at)] = t;
        this.values[this.slot(at)] = v;
    }

    private grow(): void {
        const size = Math.min(this.capacity, this.times.length * 2);
        const times = new Float64Array(size);
        const values = new Float64Array(size);
        for (let i = 0; i < this.count; i++) {
            times[i] = this.timeAt(i);
            values[i] = this.valueAt(i);
        }
        this.times = times;
        this.values = values;
        this.head = 0;
    }
}
