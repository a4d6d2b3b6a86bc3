// SPDX-License-Identifier: BSD-2-Clause
// The page of `parkwatch serve`. What a person wants at three in the morning, in this order: which process is in trouble, why, since when.
// All text of targets is text here: Preact escapes it, and nothing in this folder makes HTML of a string.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import "./app.css";
import { Flame } from "./flame.jsx";
import { Goroutines } from "./goroutines.jsx";
import { History } from "./history.jsx";
import { Events, Leaks } from "./leaks.jsx";
import { Locks } from "./locks.jsx";
import { Nothing, Spark, Text } from "./parts.jsx";
import { Requests } from "./requests.jsx";
import { go, go_to, url_of, usePolled, useUrl } from "./state.js";
import { Targets, in_order, labels_of, pod_of, trouble, workload_of } from "./targets.jsx";
import { base, count, number } from "./words.js";

const VIEWS = [["leaks", "Why", Leaks], ["history", "Since when", History], ["flame", "Flame graph", Flame], ["goroutines", "Goroutines", Goroutines], ["locks", "Channels and locks", Locks],
	["requests", "Requests", Requests]];
const KEYS = [
	["j, k", "next, previous process"], ["Enter", "open it"], ["u", "back to all processes"], ["1 to 6", "views of a process"], ["/", "search, or the first filter"],
	["d", "dark or light"], ["?", "these keys"], ["Esc", "leave a field, close this"],
];

function set_theme(theme) {
	document.documentElement.dataset.theme = theme;
	localStorage.setItem("theme", theme);
}

const is_dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function useKeys(shown, url, chosen, choose, toggle_help) {
	useEffect(() => {
		const typing = (e) => /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName);
		const move = (by) => {
			const at = shown.findIndex((t) => t.id === chosen), next = shown[Math.max(0, Math.min(shown.length - 1, at + by))];

			if (next)
				choose(next.id);
			if (next && url.target)
				go({ target: next.id });
		};
		const pressed = (e) => {
			if (e.key === "Escape") {
				e.target.blur?.();
				toggle_help(false);
			}
			if (typing(e) || e.ctrlKey || e.altKey || e.metaKey)
				return;
			const view = VIEWS[Number(e.key) - 1];

			if (e.key === "j" || e.key === "ArrowDown" && !url.target)
				move(1);
			else if (e.key === "k" || e.key === "ArrowUp" && !url.target)
				move(-1);
			else if (e.key === "Enter" && !url.target && chosen && e.target === document.body)
				go_to({ target: chosen });
			else if (e.key === "u" && url.target)
				go_to({});
			else if (view && url.target)
				go({ view: view[0] });
			else if (e.key === "/")
				(document.querySelector("section input") || document.querySelector("input"))?.focus();
			else if (e.key === "d")
				set_theme(is_dark() ? "light" : "dark");
			else if (e.key === "?")
				toggle_help();
			else
				return;
			e.preventDefault();
		};

		document.addEventListener("keydown", pressed);
		return () => document.removeEventListener("keydown", pressed);
	});
}

function Help({ close }) {
	return (
		<div class="help" role="dialog" aria-label="keys">
			<table><tbody>{KEYS.map(([key, what]) => <tr key={key}><td><kbd>{key}</kbd></td><td>{what}</td></tr>)}</tbody></table>
			<p><a href="/licences.txt">licences of the software in this page</a> <button type="button" onClick={close}>close</button></p>
		</div>
	);
}

const LAST = 600; // seconds before its end that are shown of a target that has ended

// The last minutes of the one that t was started in place of.
function Earlier({ t }) {
	const end = Math.floor(Date.parse(t.started) / 1000) + 1, values = { target: t.restart_of, view: "flame", of: "goroutines", ...(end > LAST ? { from: end - LAST, to: end } : {}) };

	return (
		<p data-restart>
			<span class="soft">restart number {number(t.restarts)}, of</span> <a href={url_of(values)} onClick={(e) => {
				e.preventDefault();
				go_to(values);
			}}><Text lines={1}>{t.restart_of}</Text></a>
		</p>
	);
}

// What is on disk of one that has ended.
function Past({ url }) {
	return (
		<main>
			<div class="facts">
				<h2><Text lines={1}>{url.target}</Text></h2>
				<p>This process has ended, or was never here. What is on disk of it:</p>
			</div>
			<Flame key={url.target} target={{ id: encodeURIComponent(url.target), ended: true }} url={url} />
		</main>
	);
}

function Facts({ t }) {
	const wrong = trouble(t);
	const facts = [["pid", t.pid], ["Go", (t.go || "").replace(/^go/, "")], ["goroutines", number(t.goroutines)], ["leaking", number(t.leaking)], ["watched", t.level], ["overhead", t.overhead_pct === undefined || t.overhead_pct === null ? null : `${t.overhead_pct} %`],
		["started", t.started], ["workload", workload_of(t)], ["labels", labels_of(t)], ["pod", pod_of(t)], ["container", t.container], ["image", t.image], ["node", t.node], ["exe", t.exe]].filter(([, value]) => value !== null && value !== undefined && value !== "");

	return (
		<div class="facts">
			<h2><Text lines={1}>{base(t.exe) || t.id}</Text> <span class={wrong.kind}>{wrong.words}</span> <Spark values={t.history?.goroutines} label="goroutines" width={140} /></h2>
			<p>{facts.map(([name, value]) => <span key={name}><span class="soft">{name}</span> <Text lines={1}>{value}</Text></span>)}</p>
			{t.restart_of && <Earlier t={t} />}
			{t.why_not && <p class="bad"><span class="text">{t.why_not}</span></p>}
		</div>
	);
}

function Target({ t, url }) {
	const [name, , View] = VIEWS.find(([v]) => v === url.view) || VIEWS[0];

	return (
		<main>
			<Facts t={t} />
			<nav>
				{VIEWS.map(([view, title], i) => (
					<a key={view} href={url_of({ ...url, view })} aria-current={view === name ? "page" : undefined} onClick={(e) => {
						e.preventDefault();
						go({ view });
					}}>{title} <kbd>{i + 1}</kbd></a>
				))}
			</nav>
			<View key={t.id} target={t} url={url} />
		</main>
	);
}

function All({ got, shown, targets, chosen, url }) {
	const told = usePolled("/api/v1/events", 10), events = told?.status === 200 ? told.data.events.slice(-20).reverse() : [];

	return (
		<main>
			{got && got.status !== 200 ? <Nothing got={got} what="Processes" /> : targets ? <Targets shown={shown} all={targets} chosen={chosen} query={url.q} /> : <p class="soft">Loading.</p>}
			{events.length > 0 && <><h3>What happened</h3><Events events={events} /></>}
		</main>
	);
}

function App() {
	const url = useUrl(), got = usePolled("/api/v1/targets?history=10m", 5), [known, keep] = useState(null), [help, set_help] = useState(false), [picked, choose] = useState(null);

	useEffect(() => {
		if (got?.status === 200)
			keep(got.data.targets);
	}, [got]);
	const shown = known ? in_order(known, url.q) : [], t = known?.find((one) => one.id === url.target), chosen = url.target || picked;

	useKeys(shown, url, chosen, choose, (to) => set_help(to ?? !help));
	useEffect(() => {
		document.title = `${t ? `${base(t.exe)} ${t.pid} - ` : ""}parkwatch`;
	}, [t?.id]);
	return (
		<>
			<header class="top">
				<h1><a href="/" onClick={(e) => {
					e.preventDefault();
					go_to({});
				}}>parkwatch</a></h1>
				{!url.target && <input type="search" placeholder="search processes" aria-label="search processes" value={url.q || ""} onInput={(e) => go({ q: e.target.value }, false)} />}
				{url.target && <a href="/" onClick={(e) => {
					e.preventDefault();
					go_to({});
				}}>all processes <kbd>u</kbd></a>}
				<span class="soft">{known ? count(known.length, "Go process", "Go processes") : ""}</span>
				{known && got?.status === 0 && <b class="bad">The daemon does not answer: what is shown is old.</b>}
				<button type="button" onClick={() => set_theme(is_dark() ? "light" : "dark")}>dark / light</button>
				<button type="button" onClick={() => set_help(!help)}>keys <kbd>?</kbd></button>
			</header>
			{help && <Help close={() => set_help(false)} />}
			{url.target && known ? (t ? <Target t={t} url={url} /> : <Past url={url} />)
				: <All got={known ? null : got} shown={shown} targets={known} chosen={chosen} url={url} />}
		</>
	);
}

const theme = localStorage.getItem("theme");
if (theme === "dark" || theme === "light")
	document.documentElement.dataset.theme = theme;
render(<App />, document.getElementById("app"));
