"use strict";

// What is kept of the last hour, by the rule of _history.py.
const ROWS_MAX = 600;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10000;
// Numbers are read at this pace, however fast they come; a chart moves by whole pixels.
const SHOW_MS = 250;
const CHART_MS_MAX = 1000;
const NO_NUMBER = "–";

const $ = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat("en-US");
const rounded = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });
const count = (value) => whole.format(value);
const sizeOf = (bytes) => (bytes === null ? "oversize" : `${count(bytes)} B`);

// Rounded down, as the command line does it, so that 100 % means all.
function percent(share) {
    return share === null ? NO_NUMBER : `${(Math.floor(share * 1000) / 10).toFixed(1)}\u00a0%`;
}

function clock(ns, isExact = false) {
    const s = ns / 1e9;
    if (s < 100) return `${s.toFixed(s < 10 || isExact ? 3 : 1)} s`;
    const two = (value) => String(Math.floor(value)).padStart(2, "0");
    const ms = isExact ? `.${String(Math.floor(ns / 1e6) % 1000).padStart(3, "0")}` : "";
    return `${count(Math.floor(s / 3600))}:${two((s / 60) % 60)}:${two(s % 60)}${ms}`;
}

function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

function valuesOf(sample) {
    return [
        ...sample.tiers.map((tier) => tier.in_use),
        sample.window.hit_rate,
        sample.window.misses_per_s,
        sample.heap === null ? null : sample.heap.fragmentation,
    ];
}

function addRow(grains, atMs, values) {
    for (const { step_ms: step, rows } of grains) {
        const number = Math.floor(atMs / step);
        const last = rows[rows.length - 1];
        if (last === undefined || last[0] !== number) {
            rows.push([number, ...values, ...values]);
            if (rows.length > ROWS_MAX) rows.shift();
            continue;
        }
        values.forEach((value, i) => {
            if (value === null) return;
            const [low, high] = [1 + i, 1 + i + values.length];
            last[low] = last[low] === null ? value : Math.min(last[low], value);
            last[high] = last[high] === null ? value : Math.max(last[high], value);
        });
    }
}

// What has come, what is shown of it (the same, or what it was when Pause was pressed), and how
// it is shown.
const live = { grains: [], last: null };
let shown = live;
let windowMs = 60000;
let charts = [];
let builtFor = "";
let drawnMs = -Infinity; // The moment that the charts end with.
let shownMs = -Infinity;
let isAsked = false;
let timer = 0;
const colours = {};

function readColours() {
    const style = getComputedStyle(document.documentElement);
    const names = ["ink", "miss", ...Array.from({ length: 8 }, (_, i) => `tier-${i}`)];
    for (const name of names) colours[name] = style.getPropertyValue(`--${name}`);
}

function makeCharts(sample) {
    const tiers = sample.tiers.length;
    const line = (name, column, colour, text, size = 1) => {
        return { name, column: 1 + column, colour: () => colours[colour], text, whole: size };
    };
    const inUse = sample.tiers.map((tier, i) => {
        const text = (value) => `${count(value)} of ${count(tier.slot_count)}`;
        return line(sizeOf(tier.slot_bytes), i, `tier-${i}`, text, tier.slot_count);
    });
    const all = () => [0, 1];
    const upper = (low) => [low < 0.9 ? Math.floor(10 * low) / 10 : 0.9, 1];
    // Four lines of a grid at round numbers: up to 4, 8, 20, 40, 80, ...
    const above = (low, high) => {
        const quarter = Math.max(high, 0.4) / 4;
        const ten = 10 ** Math.floor(Math.log10(quarter));
        return [0, 4 * ten * [1, 2, 5, 10].find((step) => step * ten >= 0.999 * quarter)];
    };
    const share = (value) => `${rounded.format(100 * value)} %`;
    const rate = (value) => `${rounded.format(value)} / s`;
    const tick = (value) => rounded.format(value);
    charts.forEach((chart) => chart.close());
    charts = [
        new Chart($("occupancy"), inUse, all, share),
        new Chart($("hit_rate"), [line("hit rate", tiers, "ink", percent)], upper, share),
        new Chart($("misses_per_s"), [line("misses", tiers + 1, "miss", rate)], above, tick),
    ];
    $("heap_fragmentation").hidden = sample.heap === null;
    if (sample.heap !== null) {
        const heap = line(sample.heap.kind, tiers + 2, "ink", percent);
        charts.push(new Chart($("heap_fragmentation"), [heap], all, share));
    }
}

// Make charts and bars, if the pool is another one: the server may have been started anew.
function build(sample) {
    const tiers = sample.tiers.map((tier) => [tier.slot_bytes, tier.slot_count]);
    const pool = JSON.stringify([tiers, sample.heap && sample.heap.kind]);
    if (pool === builtFor) return;
    builtFor = pool;
    makeCharts(sample);
    makeTiers(sample);
}

function makeTiers(sample) {
    const rows = sample.tiers.map((tier, i) => {
        const row = $("tier").content.cloneNode(true);
        row.querySelector("li").style.setProperty("--colour", `var(--tier-${i})`);
        row.querySelector(".name").textContent = sizeOf(tier.slot_bytes);
        const bar = row.querySelector(".bar");
        bar.setAttribute("aria-valuemax", tier.slot_count);
        bar.setAttribute("aria-label", `slots in use of the tier of ${sizeOf(tier.slot_bytes)}`);
        return row;
    });
    $("tiers").replaceChildren(...rows);
}

function showTiers(sample) {
    sample.tiers.forEach((tier, i) => {
        const row = $("tiers").children[i];
        const bar = row.querySelector(".bar");
        const text = `${count(tier.in_use)} of ${count(tier.slot_count)}`;
        row.classList.toggle("full", tier.in_use === tier.slot_count);
        row.querySelector(".fill").style.width = `${(100 * tier.in_use) / tier.slot_count}%`;
        row.querySelector(".tick").style.left = `${(100 * tier.high_water) / tier.slot_count}%`;
        setText(row.querySelector(".count"), text);
        const missed = tier.exhausted ? `, ${count(tier.exhausted)} missed` : "";
        setText(row.querySelector(".more"), `high water ${count(tier.high_water)}${missed}`);
        if (bar.getAttribute("aria-valuenow") !== String(tier.in_use)) {
            bar.setAttribute("aria-valuenow", tier.in_use);
            bar.setAttribute("aria-valuetext", `${text}, high water ${count(tier.high_water)}`);
        }
    });
}

function showNumbers(sample) {
    const slots = sample.tiers.reduce((sum, tier) => sum + tier.slot_count, 0);
    setText($("hit-rate"), percent(sample.hit_rate));
    setText($("requests"), count(sample.requests));
    setText($("misses"), count(sample.misses));
    setText($("misses-per-s"), rounded.format(sample.window.misses_per_s));
    setText($("in-use"), `${count(sample.in_use)} of ${count(slots)}`);
    setText($("fragmentation"), percent(sample.heap === null ? null : sample.heap.fragmentation));
}

const ALARMS = {
    tier_filling: (alarm) => `${sizeOf(alarm.slot_bytes)}: nine slots of ten in use`,
    misses: () => "requests are missed",
    heap_fragmentation: () => "half of the heap's free memory is in pieces",
};

// Lists are made anew only if they changed, since some of them are read out.
function setList(list, key, make) {
    if (list.dataset.key === key) return;
    list.dataset.key = key;
    list.replaceChildren(...make());
}

function showAlarms(sample) {
    setList($("alarms"), JSON.stringify(sample.alarms), () =>
        sample.alarms.map((alarm) => {
            const item = document.createElement("li");
            const times = alarm.raised === 1 ? "once" : `${count(alarm.raised)} times`;
            const since = `${alarm.is_on ? "since" : "over at"} ${clock(alarm.since_ns)}`;
            item.className = alarm.is_on ? "on" : "over";
            item.textContent = `${ALARMS[alarm.name](alarm)}, ${since}; raised ${times}`;
            return item;
        })
    );
}

function showMisses(sample) {
    const newest = sample.last_misses[sample.last_misses.length - 1];
    $("no-misses").hidden = newest !== undefined;
    $("last-misses").closest(".scroll").hidden = newest === undefined;
    setList($("last-misses"), JSON.stringify(sample.last_misses), () =>
        [...sample.last_misses].reverse().map((miss) => {
            const row = document.createElement("tr");
            const home = miss.slot_bytes === null ? "oversize" : sizeOf(miss.slot_bytes);
            const texts = [clock(miss.time_ns, true), sizeOf(miss.size_bytes), home, miss.site || "–"];
            for (const text of texts) row.insertCell().textContent = text;
            return row;
        })
    );
}

const LOSSES = {
    behind: "not seen yet",
    lost: "lost",
    unpaired_frees: "frees of blocks that are not known",
    unfreed_reuses: "frees lost",
    other_processes: "of its processes not watched",
};

// What is told apart from when, which changes all the time and is not read out.
function setState(text, at, kind) {
    setText($("state"), text);
    setText($("clock"), at);
    $("status").className = kind;
}

function showState(sample) {
    const at = `, ${clock(sample.time_ns)}`;
    const ended = `ended, exit status ${sample.status}`;
    if (connection.away) setState(connection.away, "", "away");
    else if (shown !== live) setState("paused", at, "paused");
    else setState(sample.state === "ended" ? ended : sample.state, at, sample.state);
    const parts = Object.keys(LOSSES)
        .filter((name) => sample[name])
        .map((name) => `${count(sample[name])} ${LOSSES[name]}`);
    const events = `${count(sample.events)} event${sample.events === 1 ? "" : "s"}`;
    setText($("foot"), [events, ...parts].join("; "));
}

function show() {
    isAsked = false;
    shownMs = performance.now();
    if (shown.last === null) return;
    const { at_ms: atMs, sample } = shown.last;
    build(sample);
    showState(sample);
    showNumbers(sample);
    showTiers(sample);
    showAlarms(sample);
    showMisses(sample);
    const width = charts[0].width || 1;
    // Nothing would move by a whole pixel.
    if (Math.abs(atMs - drawnMs) < Math.min(CHART_MS_MAX, windowMs / width)) return;
    drawnMs = atMs;
    const grain = shown.grains.find(({ step_ms: step }) => step * ROWS_MAX >= windowMs);
    const view = { rows: grain.rows, stepMs: grain.step_ms, values: sample.tiers.length + 3 };
    for (const chart of charts) chart.draw({ ...view, fromMs: atMs - windowMs, toMs: atMs });
}

// Show what there is soon, or at once and all of it.
function ask(isAtOnce) {
    if (isAtOnce) drawnMs = -Infinity;
    if (isAsked && !isAtOnce) return;
    isAsked = true;
    clearTimeout(timer);
    const waitMs = isAtOnce ? 0 : SHOW_MS - (performance.now() - shownMs);
    timer = setTimeout(() => requestAnimationFrame(show), waitMs);
}

function take(message) {
    if (message.history === undefined) {
        live.last = message;
        addRow(live.grains, message.at_ms, valuesOf(message.sample));
    } else {
        const { about, pool, grains, last } = message.history;
        Object.assign(live, { grains, last });
        setText($("about"), about);
        setText($("pool"), `pool ${pool}`);
        document.title = `${about} - pyrns_pool`;
    }
    ask(message.history !== undefined);
}

const connection = { away: "", retryMs: RETRY_MS_MIN };

function connect() {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/live`);
    socket.addEventListener("message", (event) => {
        connection.away = "";
        connection.retryMs = RETRY_MS_MIN;
        take(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => {
        connection.away = `server away, next try in ${connection.retryMs / 1000} s`;
        setState(connection.away, "", "away");
        setTimeout(connect, connection.retryMs);
        connection.retryMs = Math.min(2 * connection.retryMs, RETRY_MS_MAX);
    });
}

$("pause").addEventListener("click", () => {
    const isPaused = shown === live;
    shown = isPaused ? structuredClone(live) : live;
    $("pause").setAttribute("aria-pressed", String(isPaused));
    setText($("pause"), isPaused ? "Resume" : "Pause");
    ask(true);
});
$("window").addEventListener("change", (event) => {
    windowMs = Number(event.target.value);
    ask(true);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readColours();
    ask(true);
});
readColours();
connect();
