// SPDX-License-Identifier: BSD-2-Clause
// Since when: goroutines by state and by site, births and exits, blocked time. A range that is brushed is that of the flame graphs.
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { Choice, Nothing, Text } from "./parts.jsx";
import { go, usePolled } from "./state.js";
import { clock, number, place, range, stamp, unix } from "./words.js";

export const SPANS = [["10m", "10 min"], ["2h", "2 h"], ["48h", "48 h"]];
const COLOURS = ["#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#14b8a6", "#ec4899", "#84cc16", "#f97316", "#6366f1", "#06b6d4", "#a3a3a3"];

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Areas one on the other: the lowest first. uPlot draws from zero, so the highest sum is drawn first.
function stacked(series) {
	let sum = null;

	const sums = series.map(({ values }) => {
		sum = values.map((v, i) => (v === null ? (sum ? sum[i] : null) : v + (sum?.[i] ?? 0)));
		return sum;
	});
	return sums.reverse();
}

function options(series, stack, width, chosen, brushed, hovered) {
	const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
	const drawn = stack ? [...series].reverse() : series;

	return {
		width,
		height: 170,
		legend: { show: false },
		cursor: { sync: { key: "time" }, drag: { x: true, y: false, setScale: false }, points: { show: !stack } },
		scales: { x: { time: true }, y: { range: (_, least, most) => [Math.min(0, least ?? 0), most > 0 ? most * 1.05 : 1] } },
		axes: [
			{ ...axis, space: 80, size: 26, values: (_, ticks) => ticks.map((t) => clock(t, false)) },
			{ ...axis, size: 60, values: (_, ticks) => ticks.map((v) => number(v)) },
		],
		series: [{}, ...drawn.map((s) => ({ label: s.name, stroke: s.colour, fill: stack ? s.colour : undefined, width: stack ? 0 : 1.5, points: { show: false } }))],
		hooks: {
			setCursor: [(u) => hovered(u.cursor.idx ?? null)],
			setSelect: [(u) => {
				if (u.select.width > 4)
					brushed(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
				u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
			}],
			draw: [(u) => {
				if (!chosen)
					return;
				const from = u.valToPos(chosen[0], "x", true), to = u.valToPos(chosen[1], "x", true);

				u.ctx.save();
				u.ctx.fillStyle = css("--brush");
				u.ctx.fillRect(from, u.bbox.top, to - from, u.bbox.height);
				u.ctx.restore();
			}],
		},
	};
}

function Chart({ title, times, series, stack, chosen, brushed, unit = "" }) {
	const box = useRef(null), [at, hovered] = useState(null);
	const last = at ?? times.length - 1;

	useEffect(() => {
		const draw = () => new uPlot(options(series, stack, box.current.clientWidth, chosen, brushed, hovered),
			[times, ...(stack ? stacked(series) : series.map((s) => s.values))], box.current);
		let chart = draw();
		const resized = () => {
			chart.destroy();
			chart = draw();
		};

		window.addEventListener("resize", resized);
		return () => {
			window.removeEventListener("resize", resized);
			chart.destroy();
		};
	}, [times, series, chosen?.[0], chosen?.[1]]);
	return (
		<figure>
			<figcaption>{title}{times.length > 0 && <span class="soft"> at {clock(times[last])}</span>}</figcaption>
			<div class="chart" ref={box} data-chart={title} />
			<ul class="key">
				{[...series].reverse().map((s) => (
					<li key={s.name}><i style={{ background: s.colour }} /><b>{number(s.values[last])}{unit}</b> <Text lines={1}>{s.name}</Text></li>
				))}
			</ul>
		</figure>
	);
}

const coloured = (list) => list.map((s, i) => ({ ...s, colour: COLOURS[i % COLOURS.length] }));
const greatest = (values) => Math.max(0, ...values.map((v) => v ?? 0));
const by_size = (list) => list.sort((a, b) => greatest(b.values) - greatest(a.values));

const states_of = (h) => coloured(by_size(Object.entries(h.states || {}).map(([name, values]) => ({ name, values }))));

function sites_of(h) {
	const sites = by_size((h.sites || []).map((s) => ({ name: `${place(s.created_by)} · ${s.reason || ""} ${place(s.blocked_at)}`, values: s.goroutines })));
	const other = h.other?.some((n) => n) ? [{ name: "all others", values: h.other }] : [];

	return coloured([...sites, ...other]);
}

function charts_of(h) {
	const rate = (values) => (values || []).map((v) => (v === null ? null : v / h.step_seconds));
	const found = [{ title: "Goroutines by state", series: states_of(h), stack: true }, { title: "Goroutines by site", series: sites_of(h), stack: true }];

	if (!found[0].series.length)
		found[0] = { title: "Goroutines", series: coloured([{ name: "goroutines", values: h.goroutines }]), stack: true };
	if (h.births?.some((v) => v !== null))
		found.push({ title: "Created and ended, a second", series: coloured([{ name: "created", values: rate(h.births) }, { name: "ended", values: rate(h.exits) }]) });
	if (h.blocked_seconds?.some((v) => v !== null))
		found.push({ title: "Blocked at a time", series: coloured([{ name: "goroutines", values: rate(h.blocked_seconds) }]) });
	return found.filter((c) => c.series.length);
}

// The range in the URL; null: none.
export function range_of(url, from = "from", to = "to") {
	const values = [Number(url[from]), Number(url[to])];

	return values.every((v) => v > 0) && values[0] < values[1] ? values : null;
}

// Any time that is on disk, also before what the charts have.
function Typed({ url }) {
	const field = (name) => (
		<label>{name} <input name={name} value={Number(url[name]) > 0 ? stamp(Number(url[name])) : ""} placeholder="03:10, or 2026-11-30 03:10" size={22} maxLength={40} spellcheck={false} autocomplete="off"
			onChange={(e) => go({ [name]: unix(e.target.value) ?? "" }, false)} /></label>
	);

	return <span class="typed">{field("from")} {field("to")}</span>;
}

export function Brushed({ url }) {
	const now = range_of(url), before = range_of(url, "bfrom", "bto");

	return (
		<p class="brushed">
			{now ? <>Range: <b>{range(...now)}</b> <button type="button" onClick={() => go({ from: "", to: "" })}>clear</button>
				{" "}<button type="button" onClick={() => go({ view: "flame" })}>flame graph of it</button>
				{" "}<button type="button" onClick={() => go({ bfrom: url.from, bto: url.to, from: "", to: "" })}>compare another with it</button></>
				: <span class="soft">Drag over a chart to choose a range, or type it:</span>}
			{" "}<Typed url={url} />
			{before && <> Compared with: <b>{range(...before)}</b> <button type="button" onClick={() => go({ bfrom: "", bto: "" })}>clear</button></>}
		</p>
	);
}

export function History({ target, url }) {
	const span = url.span || "10m";
	const got = usePolled(`/api/v1/targets/${target.id}/history?span=${encodeURIComponent(span)}`);
	const h = got?.status === 200 && got.data.times.length ? got.data : null;
	const [made, make] = useState({ h: null, charts: [] });

	useEffect(() => {
		if (h)
			make({ h, charts: charts_of(h) });
	}, [h]);
	return (
		<section>
			<p><Choice label="span" values={SPANS} now={span} choose={(value) => go({ span: value }, false)} /></p>
			{h ? <Brushed url={url} /> : <Nothing got={got?.status === 200 ? { status: 404 } : got} what="History" />}
			{h && made.charts.map((c) => (
				<Chart key={c.title} {...c} times={made.h.times} chosen={range_of(url)} brushed={(from, to) => go({ from: Math.floor(from), to: Math.ceil(to) })} />
			))}
		</section>
	);
}
