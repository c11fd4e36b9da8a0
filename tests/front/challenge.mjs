// challenge.mjs BASE SCENE [PICTURES]: a challenged reader in a real browser.
//
// BASE/gated/... asks strangers for proof, BASE/form is a form that a test serves in the origin's place. Each scene is one
// kind of reader (NAME:WHICH for one of its variants); the last line is a JSON object of what was found wrong and what was measured.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(new URL("../pages/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [base, wanted, pictures] = process.argv.slice(2);
const [scene, which] = wanted.split(":");
const quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };
const found = [];
const measured = {};
const report = (text) => found.push(`${scene}: ${text}`);
const says = (page) => page.evaluate(() => document.body.innerText);
const arrived = (page, limit = 20000) => page.waitForFunction(
  () => document.body && document.body.innerText.startsWith("origin says"), undefined, { timeout: limit });

// Everything that a page has no business to do.
function watch(page) {
  page.on("console", (message) => {
    if (!message.text().includes("503 (Service")) report(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => report(`error: ${error.message}`));
  page.on("request", (request) => {
    const address = request.url();
    if (!address.startsWith(base) && !address.startsWith(base.replace("127.0.0.1", "localhost")) && !/^(blob|data):/.test(address)) report(`asks for ${address}`);
  });
}

async function look(page, name) {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  for (const violation of violations) report(`${violation.id}: ${violation.help}`);
}

async function someone(browser, options = {}) {
  const context = await browser.newContext({ ...phone, locale: "fr-FR", ...options });
  const page = await context.newPage();
  watch(page);
  return page;
}

// Milliseconds from the first request to the page that was asked for.
async function pass(page, path) {
  const begun = Date.now();
  const response = await page.goto(`${base}${path}`);
  if (response.status() !== 503) report(`${path}: ${response.status()}, not a challenge`);
  await arrived(page);
  return Date.now() - begun;
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

const scenes = {
  // Solves, arrives where it was going, keeps what was asked for, and does not come back.
  async solves(browser) {
    measured.times = [];
    for (const locale of ["fr-FR", "nl-BE", "de-DE", "en-GB"]) {
      const page = await someone(browser, { locale });
      await page.goto("data:text/html,before");
      measured.times.push(await pass(page, "/gated/page?q=caf%C3%A9&q=2#part"));
      if (!(await says(page)).includes("/gated/page?q=caf%C3%A9&q=2")) report("asked for something else");
      if (!page.url().endsWith("#part")) report("the fragment is lost");
      await page.goBack();
      if (!page.url().startsWith("data:")) report(`back leads to ${page.url()}`);
      await page.goForward();
      if (!page.url().includes("/gated/page")) report("forward does not");
      const again = await page.goto(`${base}/gated/again`);
      if (again.status() !== 200) report(`a pass is not enough: ${again.status()}`);
      await page.context().close();
    }
  },

  // Readers in the same second, behind the same address: each has a pass of its own.
  async neighbours(browser) {
    const pages = await Promise.all([1, 2, 3].map(() => someone(browser)));
    await Promise.all(pages.map((page, i) => pass(page, `/gated/neighbour${i}`)));
    const passes = await Promise.all(pages.map(async (page) =>
      (await page.context().cookies()).find((cookie) => cookie.name === "ecluse_pass")));
    if (new Set(passes.map((cookie) => cookie?.value.slice(0, 24))).size !== pages.length) report("neighbours share a pass");
    if (passes.some((cookie) => !cookie?.httpOnly || cookie.sameSite !== "Lax")) report("the pass is open to scripts");
  },

  // A form comes back as it was sent: what the origin gets is what the browser meant to send.
  async form(browser, _profile, button) {
    const page = await someone(browser);
    const sent = [];
    page.on("request", (request) => {
      if (request.method() === "POST") sent.push(request.postData());
    });
    await page.goto(`${base}/form`);
    await page.click(`#${button}`);
    await arrived(page);
    measured.posts = sent.length;
    if (sent.length !== 2 || sent[0] !== sent[1]) report(`sent ${JSON.stringify(sent)}`);
    // Back: that page is not kept, since it had the form in it, and the browser asks before it would send it once more. The
    // origin counts what it gets.
    await page.goBack().catch((error) => { if (!error.message.includes("ERR_CACHE_MISS")) throw error; });
    await page.waitForTimeout(500);
  },

  // Without JavaScript: the waiting room, then the page; a form waits for its reader's button.
  async plain(browser) {
    const page = await someone(browser, { javaScriptEnabled: false });
    const begun = Date.now();
    await page.goto(`${base}/gated/plain`);
    const words = await page.locator("main").innerText();
    if (!/\d+\sseconde/.test(words)) report(`does not say how long: ${words}`);
    if (await page.locator("#work").isVisible()) report("shows what only the script does");
    if (pictures) await page.screenshot({ path: join(pictures, "waiting_room.png") });
    await page.waitForFunction(() => true).catch(() => {});
    await page.waitForResponse((response) => response.status() === 200, { timeout: 25000 });
    measured.waited = Date.now() - begun;
    await page.context().close();
  },
  async plainForm(browser) {
    const page = await someone(browser, { javaScriptEnabled: false });
    const sent = [];
    page.on("request", (request) => {
      if (request.method() === "POST") sent.push(request.postData());
    });
    await page.goto(`${base}/form`);
    await page.click("#send");
    await page.waitForLoadState();
    const seconds = Number(/(\d+)\sseconde/.exec(await page.locator("main").innerText())[1]);
    if (pictures) await page.screenshot({ path: join(pictures, "plain_form.png") });
    await page.waitForTimeout(1000 * seconds);
    await Promise.all([page.waitForResponse((response) => response.status() === 200), page.click("#press")]);
    if (sent.length !== 2 || sent[0] !== sent[1]) report(`sent ${JSON.stringify(sent)}`);
    await page.context().close();
  },

  // Cookies refused: it is said, and nothing goes round.
  async cookies(_browser, profile) {
    const options = { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: quiet, ...phone, locale: "en-GB" };
    const refuse = async (javaScriptEnabled) => {
      const directory = join(profile, `blocked_${javaScriptEnabled}`);
      mkdirSync(join(directory, "Default"), { recursive: true });
      writeFileSync(join(directory, "Default", "Preferences"),
        JSON.stringify({ profile: { default_content_setting_values: { cookies: 2 } } }));
      const context = await chromium.launchPersistentContext(directory, { ...options, javaScriptEnabled });
      const page = await context.newPage();
      const refresh = page.locator("meta[http-equiv=refresh]");
      let asked = 0;
      page.on("request", () => { asked += 1; });
      await page.goto(`${base}/gated/cookies`);
      if (javaScriptEnabled) {
        await page.waitForTimeout(3000);
      } else {
        if (await refresh.count() !== 1) report("the waiting room does not lead on");
        await page.waitForNavigation({ timeout: 25000 });
        if (await refresh.count()) report("the page that says so leads on");
        await page.waitForTimeout(2000);
      }
      const words = await page.locator("main").innerText();
      if (!words.includes("allow cookies")) report(`JavaScript ${javaScriptEnabled}: ${words}`);
      if (asked > 2) report(`JavaScript ${javaScriptEnabled}: asked ${asked} times`);
      if (pictures) await page.screenshot({ path: join(pictures, `cookies_${javaScriptEnabled}.png`) });
      await context.close();
    };
    await Promise.all([refuse(true), refuse(false)]);
  },

  // Without workers and six times slower than here: an old phone, more or less. What its page waited for a processor,
  // because this machine has other work, does not count.
  async slow(browser) {
    measured.times = [];
    measured.waited = [];
    const machine = await browser.newBrowserCDPSession();
    const waited = async () => { // milliseconds, of all pages there are: Documentation/scheduler/sched-stats.rst of Linux
      const { processInfo } = await machine.send("SystemInfo.getProcessInfo");
      return processInfo.filter((process) => process.type === "renderer")
        .map((process) => readFileSync(`/proc/${process.id}/schedstat`, "utf8").split(" ")[1] / 1e6)
        .reduce((sum, one) => sum + one, 0);
    };
    for (let i = 0; i < 5 || (i < 15 && median(measured.times) >= 2000); i += 1) {
      const page = await someone(browser);
      await page.addInitScript(() => { delete window.Worker; });
      const devtools = await page.context().newCDPSession(page);
      await devtools.send("Emulation.setCPUThrottlingRate", { rate: 6 });
      const before = await waited();
      const wall = await pass(page, `/gated/slow${i}`);
      measured.waited.push(Math.round(await waited() - before));
      measured.times.push(wall - measured.waited[i]);
      await page.context().close();
    }
    measured.median = median(measured.times);
    if (measured.median >= 2000) report(`${measured.median} ms`);
  },

  // What cannot be given back: it is said, the pass is earned, and the reader sends it again.
  async resend(browser) {
    const page = await someone(browser, { locale: "de-DE" });
    await page.goto(`${base}/form`);
    await page.click("#upload");
    await page.waitForSelector("#press:not([hidden])");
    await look(page, "resend");
    await page.click("#press");
    await page.waitForURL(`${base}/form`);
    await page.click("#upload");
    await arrived(page);
  },

  // A form of another site is not given back as if it were ours.
  async foreign(browser) {
    const page = await someone(browser);
    await page.goto(`${base.replace("127.0.0.1", "localhost")}/form`);
    await page.click("#abroad");
    await page.waitForSelector("#say");
    if (await page.locator("input[type=hidden]").count()) report("another site's form is given back");
  },
};

async function main() {
  if (pictures) mkdirSync(pictures, { recursive: true });
  const profile = mkdtempSync(join(tmpdir(), "challenge-"));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [...quiet, `--crash-dumps-dir=${profile}`] });
  try {
    await scenes[scene](browser, profile, which);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
  console.log(JSON.stringify({ found, ...measured }));
}

await main();
