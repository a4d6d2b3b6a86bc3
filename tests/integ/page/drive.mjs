// SPDX-License-Identifier: BSD-2-Clause
// Drives a real Chromium through a page: node drive.mjs FOLDER CHROMIUM < {"address", "steps", "stubs"}, with puppeteer-core of FOLDER.
// Prints one JSON object: what each step gave, and all that a browser complained of or asked elsewhere.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, chromium] = process.argv.slice(2);
const puppeteer = createRequire(`${folder}/`)("puppeteer-core");
const { address, steps, stubs } = JSON.parse(readFileSync(0, "utf8"));
const home = `http://${address}`;
const WAIT = 30000;

const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage();
const told = { results: [], complaints: [], elsewhere: [], dialogs: [] };

page.setDefaultTimeout(WAIT);
await page.setViewport({ width: 1400, height: 900 });
const scheme = (value) => page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
await scheme("light");
page.on("pageerror", (e) => told.complaints.push(String(e)));
page.on("console", (m) => {
	// an answer that is not 200 is no fault of the page
	if (["error", "warn"].includes(m.type()) && !m.text().startsWith("Failed to load resource"))
		told.complaints.push(m.text());
});
page.on("dialog", (d) => {
	told.dialogs.push(d.message());
	d.dismiss();
});
// Each request that is held up here takes its time, and none comes of the browser's cache: only where there is something to put in its place.
const stubbed = Object.keys(stubs).length > 0;
await page.setRequestInterception(stubbed);
page.on("request", (r) => {
	const url = r.url(), path = url.slice(home.length), stub = Object.keys(stubs).find((re) => new RegExp(re).test(path));

	if (!url.startsWith(home))
		told.elsewhere.push(url);
	if (!stubbed)
		return;
	if (url.startsWith(home) && stub)
		r.respond(answer(stubs[stub]));
	else
		r.continue();
});

// A stub is text, or JSON; null: the daemon does not know.
function answer(stub) {
	if (stub === null)
		return { status: 404, contentType: "application/json", body: '{"error":"not yet"}' };
	return typeof stub === "string" ? { contentType: "text/plain", body: stub } : { contentType: "application/json", body: JSON.stringify(stub) };
}

const HAS = (selector, text) => Array.from(document.querySelectorAll(selector)).some((e) => e.textContent.includes(text));
const DO = {
	go: (path) => page.goto(home + path),
	wait: (selector, text = "") => page.waitForFunction(HAS, {}, selector, text).then(() => true),
	dark: () => scheme("dark"),
	key: (key) => page.keyboard.press(key),
	click: (selector) => page.click(selector),
	press: (selector, text) => page.evaluate((s, t) => Array.from(document.querySelectorAll(s)).find((e) => e.textContent.includes(t)).click(), selector, text),
	type: (selector, text) => page.locator(selector).fill(text),
	texts: (selector) => page.$$eval(selector, (all) => all.map((e) => e.textContent)),
	value: (code) => page.evaluate(code),
	shot: (path) => page.screenshot({ path }),
	async drag(selector, from, to) {
		const box = await (await page.$(selector)).boundingBox(), y = box.y + box.height / 2;

		await page.mouse.move(box.x + from * box.width, y);
		await page.mouse.down();
		await page.mouse.move(box.x + to * box.width, y, { steps: 5 });
		await page.mouse.up();
	},
};

try {
	for (const [what, ...args] of steps) {
		const got = await DO[what](...args).catch((e) => {
			throw new Error(`${what} ${args.join(" ")}: ${e.message}`);
		});

		told.results.push(["texts", "value"].includes(what) ? got ?? null : null);
	}
} catch (e) {
	told.failed = String(e.message);
	told.text = await page.evaluate("document.body.innerText.slice(0, 1500)").catch(() => "");
	told.url = page.url();
}
await browser.close();
console.log(JSON.stringify(told));
