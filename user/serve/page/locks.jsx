// SPDX-License-Identifier: BSD-2-Clause
// Channels and locks: who waits, who holds, and deadlocks as a graph.
import { Rows, again, path_of } from "./goroutines.jsx";
import { Nothing, Place, Text } from "./parts.jsx";
import { usePolled } from "./state.js";
import { count, long, short } from "./words.js";

const DRAWN = 12; // goroutines of a deadlock in one picture
const BOX = { width: 210, height: 40 };

const cut = (text, most = 30) => (text.length > most ? `...${text.slice(-(most - 3))}` : text);

// Goroutines in a ring; an arrow from one that waits to the one that holds.
function Ring({ steps }) {
	const drawn = steps.slice(0, DRAWN), n = drawn.length;
	const radius = n < 2 ? 0 : Math.max(110, (n * 80) / 3), side = n === 2 ? 0 : radius;
	const width = 2 * radius + BOX.width + 240, height = Math.max(2 * side, 70) + BOX.height + 60;
	const at = drawn.map((_, i) => {
		const angle = (2 * Math.PI * i) / n - (n === 2 ? Math.PI : Math.PI / 2);

		return { x: width / 2 + radius * 1.3 * Math.cos(angle), y: height / 2 + side * Math.sin(angle) };
	});
	const of = (goid) => drawn.findIndex((s) => s.goid === goid);

	return (
		<svg class="ring" viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={`deadlock of goroutines ${drawn.map((s) => s.goid).join(", ")}`}>
			<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" /></marker></defs>
			{drawn.map((s, i) => {
				const to = of(s.held_by);

				if (to < 0)
					return null;
				const a = at[i], b = at[to], self = to === i;
				const dx = b.x - a.x, dy = b.y - a.y, len = Math.hypot(dx, dy) || 1;
				// bent to one side, so that two that hold each other have two arrows
				const bend = n === 2 ? 44 : 16, mx = (a.x + b.x) / 2 + (dy / len) * bend, my = (a.y + b.y) / 2 - (dx / len) * bend;
				const edge = (p, q) => {
					const k = Math.min((BOX.width / 2) / (Math.abs(q.x - p.x) || 0.01), (BOX.height / 2) / (Math.abs(q.y - p.y) || 0.01));

					return { x: p.x + (q.x - p.x) * Math.min(k, 1), y: p.y + (q.y - p.y) * Math.min(k, 1) };
				};
				const m = { x: mx, y: my }, from = edge(a, m), end = edge(b, m);
				const path = self ? `M${a.x - 30} ${a.y - 20}C${a.x - 40} ${a.y - 60} ${a.x + 40} ${a.y - 60} ${a.x + 30} ${a.y - 22}` : `M${from.x} ${from.y}Q${mx} ${my} ${end.x} ${end.y}`;

				return (
					<g key={i}>
						<path class="wait" d={path} marker-end="url(#tip)" />
						<text x={self ? a.x : mx} y={self ? a.y - 54 : my + (my > height / 2 ? 14 : -6)} text-anchor="middle" class="soft">{cut(`${s.waits_for.kind} ${s.waits_for.addr || ""}`)}</text>
					</g>
				);
			})}
			{drawn.map((s, i) => (
				<g key={s.goid}>
					<title>{`${s.waits_for.func} ${s.waits_for.file}:${s.waits_for.line}`}</title>
					<rect x={at[i].x - BOX.width / 2} y={at[i].y - BOX.height / 2} width={BOX.width} height={BOX.height} rx="4" />
					<text x={at[i].x} y={at[i].y - 4} text-anchor="middle">goroutine {s.goid}</text>
					<text x={at[i].x} y={at[i].y + 12} text-anchor="middle" class="soft">{cut(s.waits_for.func || "?")}</text>
				</g>
			))}
		</svg>
	);
}

function Deadlock({ d }) {
	return (
		<article class="leak" data-deadlock={d.goroutines.length}>
			<header><b class="bad">Deadlock of {count(d.goroutines.length, "goroutine")}</b>{d.behind > 0 && <span class="soft">{count(d.behind, "more")} wait behind them</span>}</header>
			<Ring steps={d.steps} />
			{d.steps.length > DRAWN && <p class="soft">The first {DRAWN} are drawn.</p>}
			<ol>
				{d.steps.map((s) => (
					<li key={s.goid}>
						goroutine {s.goid} waits for the {s.waits_for.kind} <span class="text">{s.waits_for.addr}</span> at <Place at={s.waits_for} />;
						goroutine {s.held_by} holds it{s.hold?.func && <>, taken at <Place at={s.hold} /></>}
					</li>
				))}
			</ol>
		</article>
	);
}

function Waiters({ of, what }) {
	if (!of?.length)
		return null;
	return (
		<div>
			{count(of.length, what)}: {of.slice(0, 5).map((w) => <span key={w.goid}> goroutine {w.goid} <Text lines={1}>{w.func} {w.file ? `${short(w.file)}:${w.line}` : ""}</Text>{w.wait_ns ? ` for ${long(w.wait_ns / 1e9)}` : ""};</span>)}
			{of.length > 5 && " ..."}
		</div>
	);
}

function Tables({ data }) {
	return (
		<>
			{(data.deadlocks || []).map((d, i) => <Deadlock key={i} d={d} />)}
			{!data.deadlocks?.length && <p><b class="ok">No deadlock.</b></p>}
			<h3>Locks</h3>
			<table>
				<thead><tr><th>lock</th><th>held by</th><th>waiting</th></tr></thead>
				<tbody>
					{(data.locks || []).map((l) => (
						<tr key={l.addr}>
							<td>{l.kind} <span class="text soft">{l.addr}</span></td>
							<td>{l.holders ? l.holders.map((h) => <div key={h.goid}>goroutine {h.goid} <Place at={h} /></div>) : <span class="soft">not known</span>}</td>
							<td><Waiters of={l.waiters} what="goroutine" /></td>
						</tr>
					))}
				</tbody>
			</table>
			<h3>Channels</h3>
			<table>
				<thead><tr><th>channel</th><th class="n">filled</th><th>waiting</th></tr></thead>
				<tbody>
					{(data.channels || []).map((c) => (
						<tr key={c.addr}>
							<td>chan <span class="text">{c.elem?.type || "?"}</span> <span class="text soft">{c.addr}</span>{c.closed && " closed"}</td>
							<td class="n">{c.len} of {c.cap}</td>
							<td><Waiters of={c.senders} what="sender" /><Waiters of={c.receivers} what="receiver" /><Waiters of={c.undetermined} what="goroutine" /></td>
						</tr>
					))}
				</tbody>
			</table>
		</>
	);
}

// Where the daemon does not tell who holds what, at least what is waited for.
function Waited({ target }) {
	const got = usePolled(path_of(target.id, {}, { group: "object", top: 100 }), again(target));

	return got?.status === 200 ? <><h3>What goroutines wait for</h3><Rows got={got} group="object" target={target} /></> : <Nothing got={got} what="Goroutines" />;
}

export function Locks({ target }) {
	const got = usePolled(`/api/v1/targets/${target.id}/chans`);

	if (got?.status === 200)
		return <section><Tables data={got.data} /></section>;
	return (
		<section>
			{got?.status === 404 ? <p class="soft" data-nothing>No deadlock is known: {got.data}.</p> : <Nothing got={got} what="Who holds which lock, and deadlocks" />}
			{got && <Waited target={target} />}
		</section>
	);
}
