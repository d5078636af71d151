// SPDX-License-Identifier: MIT
/*
 * Added to the end of a report's page by check.py: looks at what the page has made of
 * its report, as a reader would, and leaves what it finds as JSON in the element #probe.
 */
"use strict";
(() => {
	const styles = getComputedStyle(document.documentElement);
	const rgb = name => {
		const hex = styles.getPropertyValue("--" + name).trim();
		return [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
	};
	const near = (data, at, [red, green, blue]) => data[at + 3] > 100 &&
		Math.abs(data[at] - red) < 6 && Math.abs(data[at + 1] - green) < 6 &&
		Math.abs(data[at + 2] - blue) < 6;
	/* Pixels of a colour in rows [from, to) of a canvas, as shares of its height. */
	const pixels = (id, colour, from = 0, to = 1) => {
		const canvas = document.getElementById(id);
		const first = Math.floor(canvas.height * from), end = Math.floor(canvas.height * to);
		/* A copy: pixels of the picture itself are asked for by nobody else. */
		const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: end - first });
		const context = copy.getContext("2d", { willReadFrequently: true });
		context.drawImage(canvas, 0, -first);
		const { data } = context.getImageData(0, 0, copy.width, copy.height);
		let count = 0;
		for (let at = 0; at < data.length; at += 4) count += near(data, at, rgb(colour));
		return count;
	};
	const send = (target, type, more) => target.dispatchEvent(new MouseEvent(type, { bubbles: true, ...more }));
	/* The tip over a place of a canvas, as shares of its size. */
	const tip = (id, x, y) => {
		const box = document.getElementById(id).getBoundingClientRect();
		send(document.getElementById(id), "mousemove", {
			clientX: box.left + x * box.width, clientY: box.top + y * box.height });
		return document.getElementById("tip").textContent;
	};
	const tips = (id, y) => {
		const found = new Set();
		for (let x = 0.08; x < 0.99; x += 0.005) found.add(tip(id, x, y));
		return [...found].filter(text => text);
	};
	const cells = column => [...document.querySelectorAll("#operators tbody tr")].map(
		row => row.cells[column].textContent);
	const heading = name => [...document.querySelectorAll("#operators th")].find(
		cell => cell.textContent.startsWith(name));
	const table = () => [...document.querySelectorAll("#operators tbody tr")].map(
		row => [...row.cells].map(cell => cell.textContent));

	const found = {
		title: document.getElementById("title").textContent,
		summary: document.getElementById("summary").textContent,
		counts: document.getElementById("counts").textContent,
		headings: [...document.querySelectorAll("#operators th")].map(cell => cell.textContent),
		rows: table(),
		/* A lane of the timeline is a quarter of it but for the axis. */
		lanes: ["in", "mac", "vector", "out"].map((colour, lane) =>
			pixels("timeline", colour, lane * 0.21, (lane + 1) * 0.21)),
		sram: { maps: pixels("sram", "mac"), weights: pixels("sram", "constant") },
		roofline: { points: pixels("roofline", "mac"), lines: pixels("roofline", "text") },
		timelineTips: tips("timeline", 0.31),
		sramTips: [0.2, 0.5, 0.8, 0.91, 0.915, 0.92, 0.925, 0.93, 0.935].flatMap(y => tips("sram", y)),
	};
	heading("cycles").click();
	found.byCycles = cells(found.headings.indexOf("cycles"));
	heading("#").click();
	const streams = document.getElementById("stream");
	streams.value = 1;
	streams.onchange({ target: streams });
	found.otherRows = table();
	/* Zoomed in, the same picture shows less. */
	const canvas = document.getElementById("timeline");
	const before = canvas.toDataURL();
	canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: -800, clientX: 400, clientY: 40, cancelable: true }));
	found.zooms = canvas.toDataURL() !== before;
	document.getElementById("whole").click();
	found.returns = canvas.toDataURL() === before;

	const element = document.createElement("script");
	element.type = "application/json";
	element.id = "probe";
	element.textContent = JSON.stringify(found).replaceAll("<", "\\u003c");
	document.body.append(element);
})();
