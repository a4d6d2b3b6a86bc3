// SPDX-License-Identifier: BSD-2-Clause
// The page of `parkwatch record -f html`: draws the report that stands in the script element #report.
import flamegraph from "d3-flame-graph";
import { select } from "d3-selection";
import { duration, memory } from "./amounts.js";
import { colour, matcher } from "./frames.js";

const report = JSON.parse(document.getElementById("report").textContent);
const diff = report.before; // of `parkwatch diff`: v is both recordings together, a the later one's part of it
const timed = report.unit === "nanoseconds";
const total = report.tree.v;
const element = (id) => document.getElementById(id);

const TITLES = {
	blocked: "Blocked time",
	births: "Goroutines started",
	exits: "Goroutines ended",
	sched: "Waiting to run",
	goroutines: "Goroutines",
	alloc: "Memory allocated",
	wakeups: "Blocked time and who ended it",
	cpu: "CPU time",
	wall: "Time of goroutines",
	block: "Blocked time, as Go's block profile",
	mutex: "Waits for locks, by who gave them up",
};
const COUNTED = { cpu: "samples", wall: "looks and samples", block: "contentions", mutex: "contentions" };

function amount(value) {
	if (timed)
		return duration(value);
	if (report.unit === "bytes")
		return memory(value);
	return `${value.toLocaleString("en")} ${value === 1 ? "goroutine" : "goroutines"}`;
}

// Of an estimate: with its interval, where one is known.
function estimate(node) {
	if (!report.estimated)
		return amount(node.v);
	return node.e === undefined ? `~${amount(node.v)}` : `~${amount(node.v)} ± ${amount(Number(node.e.toPrecision(2)))}`;
}

function percent(value) {
	return `${(total ? (100 * value) / total : 0).toFixed(2)} %`;
}

function change(data) {
	const before = data.v - data.a, by = data.a - before;

	return `${amount(before)} before, ${amount(data.a)} after: ${by < 0 ? "-" : "+"}${amount(Math.abs(by))}`;
}

// What a frame is worth, whatever is zoomed into now.
function worth(node) {
	if (diff)
		return change(node.data);
	return `${estimate(node.data)}, ${percent(node.data.v)} of all`;
}

const tip = Object.assign(() => {}, {
	show(event, node) {
		const box = element("tip"), value = document.createElement("span");

		value.textContent = worth(node);
		box.replaceChildren(node.data.n, value);
		box.hidden = false;
		const left = Math.min(event.clientX + 14, window.innerWidth - box.offsetWidth - 8);
		const top = event.clientY + 18 + box.offsetHeight < window.innerHeight ?
			event.clientY + 18 : event.clientY - box.offsetHeight - 10;
		box.style.left = `${Math.max(left, 0)}px`;
		box.style.top = `${Math.max(top, 0)}px`;
	},
	hide() {
		element("tip").hidden = true;
	},
	destroy() {},
});

function describe_diff() {
	const who = (of) => `${of.comm || "process"} (pid ${of.pid}), ${of.go}`;
	const title = `Change of ${TITLES[report.event].toLowerCase()}: ${report.comm || "process"}`;
	const facts = [change(report.tree), `before: ${who(diff)}`, `after: ${who(report)}`];

	if (diff.scale !== 1)
		facts.push(`after is scaled to ${duration(diff.duration_ns)}: its figures are multiplied by ${Number(diff.scale.toPrecision(3))}`);
	document.title = `${title} - parkwatch`;
	element("title").textContent = title;
	element("facts").textContent = facts.join(" · ");
	const notes = ["A frame is as wide as both recordings have it together. Red grew, blue shrank, the stronger the more."];
	if (report.left_out)
		notes.push(`${report.left_out.toLocaleString("en")} narrow frames are left out here; folded has them`);
	element("notes").textContent = notes.join(" · ");
}

function describe() {
	const title = `${TITLES[report.event]}: ${report.comm || "process"} (pid ${report.pid})`;
	const facts = [`${estimate(report.tree)} in all`];

	if (report.windows)
		facts.push(`estimated from ${report.windows.toLocaleString("en")} windows`);
	if (timed)
		facts.push(`${report.count.toLocaleString("en")} ${COUNTED[report.event] || "waits"}`);
	if (report.event === "alloc")
		facts.push(`${report.count.toLocaleString("en")} objects`);
	if (report.event !== "goroutines")
		facts.push(`recorded for ${duration(report.duration_ns)}`);
	if (report.gap)
		facts.push(report.gap);
	if (report.start_ms)
		facts.push(`from ${new Date(report.start_ms).toISOString().replace("T", " ").slice(0, 19)} UTC`);
	if (report.go)
		facts.push(report.go);
	if (report.exe)
		facts.push(report.exe);
	document.title = `${title} - parkwatch`;
	element("title").textContent = title;
	element("facts").textContent = facts.join(" · ");

	const seen = report.event === "goroutines" ? "goroutines read" : "events seen";
	const notes = [`${report.seen.toLocaleString("en")} ${seen}, ${report.lost.toLocaleString("en")} lost`];
	if (report.cost)
		notes.push(report.cost);
	if (report.left_out)
		notes.push(`${report.left_out.toLocaleString("en")} narrow frames are left out here; folded and pprof have them`);
	element("notes").textContent = notes.join(" · ");
}

function draw() {
	const graph = element("graph");
	let matches = () => false;

	if (!total) {
		graph.textContent = "Nothing was seen.";
		return;
	}
	const chart = flamegraph()
		.width(graph.clientWidth)
		.cellHeight(19)
		.inverted(true)
		.minFrameSize(0.5)
		.transitionDuration(0) // the first time it is just there
		.resetHeightOnZoom(true)
		.tooltip(tip)
		.setColorMapper((node) => colour(node, diff))
		.setLabelHandler((node) => `${node.data.n}: ${worth(node)}`)
		.setDetailsElement(element("details"))
		.setDetailsHandler((text) => {
			element("details").textContent = text || "";
		})
		.setSearchMatch((node) => matches(node.data.n))
		.setSearchHandler((found, sum) => {
			const frames = found.length === 1 ? "1 frame" : `${found.length.toLocaleString("en")} frames`;

			element("matched").textContent = `${frames}, ${amount(sum)}, ${percent(sum)}`;
		});
	select(graph).datum(report.tree).call(chart);
	chart.transitionDuration(matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 250);

	const search = () => {
		const term = element("search").value.trim();

		if (term) {
			matches = matcher(term);
			chart.search(term);
		} else {
			chart.clear();
			element("matched").textContent = "";
		}
	};
	const clear = () => {
		element("search").value = "";
		search();
	};
	element("search").addEventListener("input", search);
	element("controls").addEventListener("submit", (event) => event.preventDefault());
	element("clear").addEventListener("click", clear);
	element("reset").addEventListener("click", () => chart.resetZoom());
	document.addEventListener("keydown", (event) => {
		if (event.key === "/" && document.activeElement !== element("search")) {
			event.preventDefault();
			element("search").focus();
		} else if (event.key === "Escape") {
			clear();
			chart.resetZoom();
		}
	});
	window.addEventListener("resize", () => chart.width(graph.clientWidth).update());
}

if (diff)
	describe_diff();
else
	describe();
draw();
