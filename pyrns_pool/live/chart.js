"use strict";

// Lines over the time of the window, with what is under the pointer or chosen by the arrow keys.

const WINDOW_TICKS = {
    10000: ["−10 s", "−8 s", "−6 s", "−4 s", "−2 s", "now"],
    60000: ["−60 s", "−50 s", "−40 s", "−30 s", "−20 s", "−10 s", "now"],
    600000: ["−10 min", "−8 min", "−6 min", "−4 min", "−2 min", "now"],
    3600000: ["−60 min", "−50 min", "−40 min", "−30 min", "−20 min", "−10 min", "now"],
};
const GRID_LINES = 4;
const LINE_PX = 2;
const KEY_STEPS = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

function labels(texts) {
    return texts.map((text) => {
        const label = document.createElement("span");
        label.textContent = text;
        return label;
    });
}

class Chart {
    // A line is {name, column, whole, colour(), text(value)}: its values are shown as parts of
    // `whole`. range(lowest, highest) says from where to where the axis goes, tick(share) what is
    // written beside it.
    constructor(section, lines, range, tick) {
        section.querySelectorAll(".plot, output").forEach((old) => old.remove());
        section.append(document.getElementById("plot").content.cloneNode(true));
        const part = (selector) => section.querySelector(selector);
        this.plot = part(".plot");
        this.area = part(".area");
        this.canvas = part("canvas");
        this.cursor = part(".cursor");
        this.tip = part(".tip");
        this.output = part("output");
        this.lines = lines;
        this.range = range;
        this.tick = tick;
        this.view = null;
        this.axis = [];
        this.share = null; // Where the cursor is, 0 to 1; null: nowhere.
        const name = part("h2").textContent;
        this.plot.setAttribute("aria-label", `${name} over time; arrow keys read the values`);
        this.area.addEventListener("pointermove", (event) => {
            const box = this.area.getBoundingClientRect();
            this.point((event.clientX - box.x) / box.width);
        });
        this.area.addEventListener("pointerleave", () => this.point(null));
        this.plot.addEventListener("blur", () => this.point(null));
        this.plot.addEventListener("keydown", (event) => this.key(event));
        this.sizes = new ResizeObserver(() => this.resize());
        this.sizes.observe(this.area);
    }

    close() {
        this.sizes.disconnect();
    }

    resize() {
        const scale = window.devicePixelRatio;
        this.width = this.area.clientWidth;
        this.height = this.area.clientHeight;
        this.canvas.width = Math.round(this.width * scale);
        this.canvas.height = Math.round(this.height * scale);
        this.canvas.getContext("2d").scale(scale, scale);
        if (this.view !== null) this.draw(this.view);
    }

    // A view is {rows, values, stepMs, fromMs, toMs}; a row is [number, lows..., highs...].
    draw(view) {
        if (this.view === null || this.view.toMs - this.view.fromMs !== view.toMs - view.fromMs) {
            const texts = WINDOW_TICKS[view.toMs - view.fromMs];
            this.plot.querySelector(".x").replaceChildren(...labels(texts));
            this.area.style.setProperty("--columns", texts.length - 1);
        }
        this.view = view;
        if (!this.width) return;
        const begin = view.rows.findIndex((row) => (row[0] + 1) * view.stepMs > view.fromMs);
        const rows = begin < 0 ? [] : view.rows.slice(Math.max(0, begin - 1));
        this.scale(rows);
        const context = this.canvas.getContext("2d");
        context.clearRect(0, 0, this.width, this.height);
        for (const line of this.lines) this.fill(context, rows, line);
        if (this.share !== null) this.show();
    }

    scale(rows) {
        let [low, high] = [Infinity, -Infinity];
        for (const { column, whole } of this.lines) {
            for (const row of rows) {
                if (row[column] === null) continue;
                low = Math.min(low, row[column] / whole);
                high = Math.max(high, row[column + this.view.values] / whole);
            }
        }
        const [bottom, top] = this.range(low, high);
        if (this.axis[0] === bottom && this.axis[1] === top) return;
        this.axis = [bottom, top];
        const texts = [];
        for (let i = GRID_LINES; i >= 0; i--) {
            texts.push(this.tick(bottom + (i / GRID_LINES) * (top - bottom)));
        }
        this.plot.querySelector(".y").replaceChildren(...labels(texts));
    }

    // Each row is a box from its lowest to its highest, so that no peak is lost, and a line to the
    // next row. Boxes are a fraction of the work that slanted lines are.
    fill(context, rows, { column, whole, colour }) {
        const { values, stepMs, fromMs, toMs } = this.view;
        const [bottom, top] = this.axis;
        const across = this.width / (toMs - fromMs);
        const up = (this.height - LINE_PX) / (top - bottom);
        // At whole pixels, where boxes that touch have no seam.
        const y = (value) => Math.round(this.height - LINE_PX - (value / whole - bottom) * up);
        const box = (x, over, width, under) =>
            context.fillRect(x, over, width, under - over + LINE_PX);
        const wide = Math.ceil(stepMs * across);
        context.fillStyle = colour();
        let before = null;
        for (const row of rows) {
            if (row[column] === null) {
                before = null;
                continue;
            }
            const x = Math.round((row[0] * stepMs - fromMs) * across);
            const [under, over] = [y(row[column]), y(row[column + values])];
            box(x, over, wide, under);
            if (before !== null) {
                if (x > before.x + wide) {
                    box(before.x, before.under, x - before.x, before.under);
                    before.over = before.under;
                }
                if (before.over > under) box(x, under, 1, before.over);
                else if (before.under < over) box(x, before.under, 1, over);
            }
            before = { x, under, over };
        }
    }

    point(share) {
        this.share = share;
        this.cursor.hidden = this.tip.hidden = true;
        if (share !== null && this.view !== null) this.show();
    }

    // Show the row nearest to the cursor, and return it in words.
    show() {
        const { rows, values, stepMs, fromMs, toMs } = this.view;
        if (rows.length === 0) return "";
        const wanted = (fromMs + this.share * (toMs - fromMs)) / stepMs;
        const far = (row) => Math.abs(row[0] - wanted);
        const row = rows.reduce((best, one) => (far(one) < far(best) ? one : best));
        const agoS = Math.max(0, toMs - row[0] * stepMs) / 1000;
        const words = this.lines.map(({ name, column, text }) => {
            const [low, high] = [row[column], row[column + values]];
            if (low === null) return `${name}: –`;
            return `${name}: ${low === high ? text(low) : `${text(low)} to ${text(high)}`}`;
        });
        const parts = [`${agoS.toFixed(1)} s ago`, ...words];
        const x = Math.max(0, Math.min(1, (row[0] * stepMs - fromMs) / (toMs - fromMs)));
        this.cursor.style.left = `${100 * x}%`;
        this.tip.style.setProperty("--x", x);
        this.tip.replaceChildren(...labels(parts));
        this.cursor.hidden = this.tip.hidden = false;
        return parts.join(", ");
    }

    key(event) {
        if (event.key === "Escape") this.point(null);
        if (!(event.key in KEY_STEPS)) return;
        event.preventDefault();
        const share = this.share === null ? 1 : this.share;
        const step = KEY_STEPS[event.key] * (event.shiftKey ? 0.1 : 0.01);
        this.point(Math.max(0, Math.min(1, share + step)));
        this.output.textContent = this.view === null ? "" : this.show();
    }
}
