"use strict";
// Without this script every section is shown, under links to each.

// Tabs, by the ARIA pattern: arrows, Home and End move; one tab of the list is in the tab order.
for (const list of document.querySelectorAll(".tabs")) {
    const tabs = [...list.querySelectorAll("a")];
    const sectionOf = (tab) => document.getElementById(tab.hash.slice(1));
    const select = (tab, focus) => {
        for (const one of tabs) {
            one.setAttribute("aria-selected", String(one === tab));
            one.tabIndex = one === tab ? 0 : -1;
            sectionOf(one).hidden = one !== tab;
        }
        if (focus) tab.focus();
    };
    list.setAttribute("role", "tablist");
    for (const [at, tab] of tabs.entries()) {
        const section = sectionOf(tab);
        tab.id = `tab-${section.id}`;
        tab.setAttribute("role", "tab");
        tab.setAttribute("aria-controls", section.id);
        section.setAttribute("role", "tabpanel");
        section.setAttribute("aria-labelledby", tab.id);
        section.tabIndex = 0;
        tab.addEventListener("click", (event) => {
            event.preventDefault();
            select(tab, true);
        });
        const last = tabs.length - 1;
        const moves = {
            ArrowLeft: at ? at - 1 : last,
            ArrowRight: at === last ? 0 : at + 1,
            Home: 0,
            End: last,
        };
        tab.addEventListener("keydown", (event) => {
            if (event.key === " ") event.preventDefault();
            if (!(event.key in moves)) return;
            event.preventDefault();
            select(tabs[moves[event.key]], true);
        });
    }
    const follow = () => {
        const named = tabs.find((tab) => tab.hash === location.hash);
        if (named) select(named, false);
    };
    select(tabs[0], false);
    follow();
    addEventListener("hashchange", follow);
}

// Numbers under the pointer, or under a cursor that the arrow keys move.
for (const script of document.querySelectorAll(".points")) {
    const sheet = script.parentElement;
    const picture = sheet.querySelector(".picture");
    const panels = JSON.parse(script.textContent).filter((panel) => panel.at.length);
    if (!panels.length) continue;
    const cursor = document.createElement("div");
    const readout = document.createElement("output");
    const hint = "Point into the figure, or move with the arrow keys, for its numbers.";
    cursor.className = "cursor";
    cursor.hidden = true;
    readout.className = "readout";
    readout.textContent = hint;
    sheet.append(cursor);
    sheet.after(readout);
    sheet.tabIndex = 0;
    sheet.setAttribute("role", "group");
    sheet.setAttribute("aria-label", hint);
    const place = { panel: 0, index: 0 };

    const show = () => {
        const panel = panels[place.panel];
        const [left, top, right, bottom] = panel.box;
        const [from, to] = panel.x;
        const at = panel.at[place.index];
        const width = picture.clientWidth;
        const height = picture.clientHeight;
        const x = (left + ((right - left) * (at - from)) / (to - from)) * width;
        cursor.hidden = false;
        cursor.style.cssText =
            `left:${x}px;top:${top * height}px;height:${(bottom - top) * height}px`;
        const values = panel.values.map(([name, column]) => {
            const value = column[place.index];
            return `${name} ${value === null ? "-" : value.toLocaleString("en-US")}`;
        });
        const where = `${at.toLocaleString("en-US")} ${panel.unit}`.trim();
        readout.textContent = `${panel.name}, ${where}: ${values.join(", ")}`;
        return x;
    };
    picture.addEventListener("pointermove", (event) => {
        const box = picture.getBoundingClientRect();
        const x = (event.clientX - box.x) / box.width;
        const y = (event.clientY - box.y) / box.height;
        const number = panels.findIndex((panel) => panel.box[1] <= y && y <= panel.box[3]);
        if (number < 0) return;
        const panel = panels[number];
        const share = (x - panel.box[0]) / (panel.box[2] - panel.box[0]);
        const value = panel.x[0] + share * (panel.x[1] - panel.x[0]);
        let low = 0;
        for (let high = panel.at.length; high - low > 1; ) {
            const middle = (low + high) >> 1;
            if (panel.at[middle] <= value) low = middle;
            else high = middle;
        }
        place.panel = number;
        place.index = low;
        show();
    });
    sheet.addEventListener("keydown", (event) => {
        const count = panels[place.panel].at.length;
        const step = event.shiftKey ? 10 : 1;
        if (event.key === "ArrowRight") place.index = Math.min(count - 1, place.index + step);
        else if (event.key === "ArrowLeft") place.index = Math.max(0, place.index - step);
        else if (event.key === "Home") place.index = 0;
        else if (event.key === "End") place.index = count - 1;
        else if (event.key === "ArrowDown") place.panel = Math.min(panels.length - 1, place.panel + 1);
        else if (event.key === "ArrowUp") place.panel = Math.max(0, place.panel - 1);
        else return;
        event.preventDefault();
        place.index = Math.min(place.index, panels[place.panel].at.length - 1);
        sheet.scrollLeft = show() - sheet.clientWidth / 2;
    });
}
