// SPDX-License-Identifier: BSD-2-Clause
// Flame graphs: of any interval that the daemon has kept, of the difference of two, of the goroutines now, or of what is recorded now.
import flamegraph from "d3-flame-graph";
import { select } from "d3-selection";
import { useEffect, useRef, useState } from "preact/hooks";
import { colour, matcher } from "../frames.js";
import { path_of } from "./goroutines.jsx";
import { Brushed, range_of } from "./history.jsx";
import { Choice, Nothing } from "./parts.jsx";
import { get, go, usePolled } from "./state.js";
import { count, duration, memory, number } from "./words.js";

const VIEWS = [["now", "goroutines now"], ["goroutines", "goroutines"], ["blocked", "blocked time"], ["births", "created"], ["alloc", "allocated"], ["cpu", "CPU time"], ["wakeups", "who wakes"], ["wall", "all their time"], ["block", "who waited for others"], ["mutex", "who held locks"]];
const RECORDED = new Set(["blocked", "births", "alloc", "cpu", "wakeups", "wall", "block", "mutex"]), NOT_KEPT = new Set(["wakeups", "wall", "block", "mutex"]);
const SECONDS = 10; // of a recording that is asked for
const AMOUNTS = { blocked: duration, cpu: duration, wakeups: duration, wall: duration, block: duration, mutex: duration, alloc: memory, births: (n) => count(n, "goroutine"), goroutines: (n) => count(n, "goroutine"), now: (n) => count(n, "goroutine") };
const NARROW = 4000; // a frame under this part of all is left out: a browser draws some thousand without a wait

function add(root, frames, value, late) {
	let node = root;

	for (let i = -1; i < frames.length; i++) {
		if (i >= 0) {
			node.at ??= new Map();
			if (!node.at.has(frames[i]))
				node.at.set(frames[i], { n: frames[i], v: 0, a: 0 });
			node = node.at.get(frames[i]);
		}
		node.v += value;
		node.a += late ? value : 0;
	}
}

function close(node, least) {
	if (node.at)
		node.c = [...node.at.values()].filter((c) => c.v >= least).map((c) => close(c, least));
	delete node.at;
	return node;
}

const empty = () => ({ n: "all", v: 0, a: 0 });
const closed = (root) => close(root, root.v / NARROW);

// "main.main;main.f 12"; of a difference "main.main;main.f 12 15": before, after
function add_folded(root, text, figures) {
	for (const line of text.split("\n")) {
		const words = line.split(" "), values = words.splice(-figures).map(Number), frames = words.join(" ").split(";");

		for (const [i, value] of values.entries())
			if (words.length && value > 0)
				add(root, frames, value, i > 0);
	}
}

function tree_of_groups(groups) {
	const root = empty();

	for (const g of groups)
		add(root, (g.stack || []).map((f) => f.func).reverse(), g.count, false);
	return closed(root);
}

function Graph({ tree, diff, scaled, amount, error, term }) {
	const box = useRef(null), chart = useRef(null), [hover, show] = useState(null), [matched, tell] = useState("");
	const total = tree.v;
	const worth = (d) => (diff ? `${amount(d.v - d.a)} before, ${amount(d.a)} after` : `${amount(d.v)}, ${((100 * d.v) / (total || 1)).toFixed(1)} %`);

	useEffect(() => {
		const tip = Object.assign(() => {}, {
			show: (event, node) => show({ x: event.clientX, y: event.clientY, name: node.data.n, value: worth(node.data) }),
			hide: () => show(null),
			destroy() {},
		});
		const c = flamegraph().width(box.current.clientWidth).cellHeight(18).inverted(true).minFrameSize(0.5).transitionDuration(0).tooltip(tip)
			.setColorMapper((node) => colour(node, diff)).setLabelHandler((node) => `${node.data.n}: ${worth(node.data)}`)
			.setSearchHandler((found, sum) => tell(`${count(found.length, "frame")}, ${amount(sum)}`));

		select(box.current).datum(tree).call(c);
		chart.current = c;
		return () => {
			show(null);
			box.current?.replaceChildren();
		};
	}, [tree, diff]);
	useEffect(() => {
		if (term) {
			const matches = matcher(term);

			chart.current.setSearchMatch((node) => matches(node.data.n)).search(term);
		} else {
			chart.current.clear();
			tell("");
		}
	}, [tree, term]);
	return (
		<>
			<p class="soft">{diff ? `${worth(tree)}. Red grew, blue shrank.${scaled ? " Of times of unequal length the later is scaled to the other." : ""}` : error ? `~${amount(total)} ± ${amount(Number(error.toPrecision(2)))} in all.` : `${amount(total)} in all.`} {matched} <button type="button" onClick={() => chart.current.resetZoom()}>reset zoom</button></p>
			<div ref={box} data-flame />
			{hover && <div id="tip" style={{ left: `${Math.min(hover.x + 14, innerWidth - 420)}px`, top: `${hover.y + 18}px` }}><span class="text">{hover.name}</span><br /><span class="soft">{hover.value}</span></div>}
		</>
	);
}

// The tree of one interval, or of two, compared by the daemon: {tree, diff}, or what to say instead.
function useProfile(id, view, now, before) {
	const [got, set] = useState(null);

	useEffect(() => {
		let ended = false;
		const what = before ? `diff?base_from=${before[0]}&base_to=${before[1]}&` : "profile?";
		const ask = async () => {
			const told = await get(`/api/v1/targets/${id}/${what}view=${view}&from=${now[0]}&to=${now[1]}&format=folded`), root = empty();

			if (told.status === 200)
				add_folded(root, told.data, before ? 2 : 1);
			if (!ended)
				set(told.status === 200 ? { status: 200, tree: closed(root), diff: !!before, error: told.error } : told);
		};

		set(null);
		if (view !== "now" && !NOT_KEPT.has(view))
			ask();
		return () => {
			ended = true;
		};
	}, [id, view, ...(now || []), ...(before || [])]);
	return got;
}

// What the daemon records because somebody asks: {got}, which is null meanwhile. It is not in the URL: who opens that would record, too.
function useRecording(id, view) {
	const [it, set] = useState(null);
	const record = async () => {
		set({ id, view, got: null });
		const told = await get(`/api/v1/targets/${id}/profile?view=${view}&seconds=${SECONDS}&format=folded`), root = empty();

		if (told.status === 200)
			add_folded(root, told.data, 1);
		set((now) => (now?.id === id && now.view === view ? { id, view, got: told.status === 200 ? { status: 200, tree: closed(root), error: told.error } : told } : now));
	};

	return [it?.id === id && it.view === view ? it : null, record, () => set(null)];
}

function Recording({ recorded, amount, term }) {
	if (!recorded.got)
		return <p class="soft">It is recorded for {SECONDS} s, and then put together.</p>;
	if (recorded.got.status !== 200)
		return <Nothing got={recorded.got} what="A recording" />;
	if (!recorded.got.tree.v)
		return <p>Nothing was seen in {SECONDS} s.</p>;
	return <><p class="soft" data-recorded>Recorded for {SECONDS} s just now.</p><Graph tree={recorded.got.tree} amount={amount} error={recorded.got.error} term={term} /></>;
}

function Past({ got, of, now, term }) {
	if (NOT_KEPT.has(of))
		return <p class="soft">Nothing of it is kept: record it.</p>;
	if (got?.status !== 200)
		return <Nothing got={got} what={`The profile of ${number(now[1] - now[0])} s`} />;
	if (!got.tree.v)
		return <p>Nothing was seen in this range.</p>;
	return <Graph tree={got.tree} diff={got.diff} scaled={of !== "goroutines"} amount={AMOUNTS[of]} error={got.error} term={term} />;
}

function Now({ target, term }) {
	const got = usePolled(path_of(target.id, {}, { group: "stack", top: 3000 }), 0), [tree, set] = useState(null);

	useEffect(() => set(got?.status === 200 ? tree_of_groups(got.data.groups) : null), [got]);
	return tree ? <Graph tree={tree} amount={AMOUNTS.now} term={term} /> : <Nothing got={got} what="Goroutines" />;
}

export function Flame({ target, url }) {
	const [loaded] = useState(() => Math.floor(Date.now() / 1000));
	const views = target.ended ? VIEWS.slice(1).filter(([v]) => !NOT_KEPT.has(v)) : VIEWS; // one that has ended has a past alone
	const of = views.some(([v]) => v === url.of) ? url.of : range_of(url) && !target.ended ? "blocked" : views[0][0];
	const now = range_of(url) || [loaded - 600, loaded], before = range_of(url, "bfrom", "bto");
	const got = useProfile(target.id, of, now, before), [recorded, record, forget] = useRecording(target.id, of);
	const kept = of !== "now" && !recorded && !NOT_KEPT.has(of);
	const file = (format) => `/api/v1/targets/${target.id}/profile?view=${of}&from=${now[0]}&to=${now[1]}&format=${format}`;

	return (
		<section>
			<p>
				<Choice label="flame graph of" values={views} now={of} choose={(value) => go({ of: value }, false)} />
				{" "}<input type="search" placeholder="search: text, or /regular expression/" aria-label="search frames" value={url.frame || ""} onInput={(e) => go({ frame: e.target.value }, false)} />
				{RECORDED.has(of) && !target.ended && <> <button type="button" disabled={recorded && !recorded.got} onClick={record}>record {SECONDS} s now</button></>}
				{recorded && !NOT_KEPT.has(of) && <> <button type="button" onClick={forget}>what is kept</button></>}
				{kept && got?.status === 200 && <> <a href={file("folded")} download={`${target.id}.folded`}>folded</a> <a href={file("pprof")} download={`${target.id}.pb.gz`}>pprof</a></>}
			</p>
			{kept && <Brushed url={url} />}
			{kept && !range_of(url) && <p class="soft">The last 10 minutes.</p>}
			{of === "now" && <Now target={target} term={url.frame} />}
			{recorded && <Recording recorded={recorded} amount={AMOUNTS[of]} term={url.frame} />}
			{of !== "now" && !recorded && <Past got={got} of={of} now={now} term={url.frame} />}
		</section>
	);
}
