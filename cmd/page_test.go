package cmd_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/mlbridge/mlbridge/ipc"
)

// The live page in a real browser, with a real bridge and a real daemon behind it.
// MLBRIDGE_SCREENSHOTS=DIR keeps pictures of it, for people to look at.

// browser is one tab of a headless Chromium.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string // guarded by mu: what the browser said on its console, violated policies included
	strangers  []string // guarded by mu: addresses asked for outside of the page's own site
}

// findBrowser gives the path of a Chromium, or skips the test: everything about the
// page that needs none is tested in bridge/httpapi.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium on the PATH (apt-get install chromium): the page is not tested in a browser")
	return ""
}

func openBrowser(t *testing.T, site string) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(findBrowser(t)),
		// The page is ours; root and containers cannot have the sandbox.
		chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(startup))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	// A browser that just started on a busy machine may take longer than chromedp's ten seconds.
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithBrowserOption(chromedp.WithDialTimeout(startup)))
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, startup)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.complaints = append(b.complaints, e.ExceptionDetails.Error())
		case *browserlog.EventEntryAdded:
			// Polls that fail while the bridge is away are what they are.
			if e.Entry.Source != browserlog.SourceNetwork {
				b.complaints = append(b.complaints, e.Entry.Text)
			}
		case *network.EventRequestWillBeSent:
			if u, err := url.Parse(e.Request.URL); err != nil || u.Host != site {
				b.strangers = append(b.strangers, e.Request.URL)
			}
		}
	})
	b.do(network.Enable(), browserlog.Enable())
	return b
}

func (b *browser) do(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

// eval gives what a JavaScript expression comes to.
func eval[T any](b *browser, expression string) (v T) {
	b.t.Helper()
	b.do(chromedp.Evaluate(expression, &v))
	return v
}

// until waits until a JavaScript expression is true.
func (b *browser) until(expression string) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, chromedp.Poll(expression, nil, chromedp.WithPollingTimeout(startup), chromedp.WithPollingInterval(50*time.Millisecond))); err != nil {
		b.t.Fatalf("browser: not within %v: %s (%v); the page says:\n%s", startup, expression, err, eval[string](b, "document.body.innerText"))
	}
}

// look shows the page on a screen of a size and a colour scheme.
func (b *browser) look(width, height int64, scheme string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.Poll(fmt.Sprintf("innerWidth === %d", width), nil, chromedp.WithPollingTimeout(startup)))
}

// picture keeps what is to be seen, where it is wanted.
func (b *browser) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("MLBRIDGE_SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	b.do(chromedp.FullScreenshot(&png, 100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Error(err)
	}
}

// text gives what a person reads in an element.
func (b *browser) text(selector string) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf("document.querySelector(%q).innerText", selector))
}

func TestLivePage(t *testing.T) {
	findBrowser(t)
	chain := startChain(t)
	site := chain.bridge.at.HTTP
	b := openBrowser(t, site)
	b.do(chromedp.Navigate("http://" + site + "/"))
	b.until(`document.documentElement.dataset.live === "on"`)
	b.until(`document.getElementById("health").innerText === "healthy"`)

	client := dial(t, chain.socket)
	asked := uint64(0)
	ask := func(rounds int) {
		t.Helper()
		for range rounds {
			asked++
			for _, q := range fresh(asked) {
				r := one(t, client, q, startup)
				if q.Kind() != ipc.Failure {
					continue
				}
				outcome := ipc.Outcome{PredictionID: r.PredictionID, Subject: q.Subject(), Actual: r.Prediction}
				outcome.Actual.Failure.Probability = 1
				if err := client.Outcomes(t.Context(), []ipc.Outcome{outcome}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	ask(50)
	b.until(`document.getElementById("t-rate-sub").innerText.startsWith("200 since")`)
	b.until(`document.querySelector("#c-latency .line").getAttribute("d").length > 0`)
	b.until(`document.querySelectorAll("#c-sources .area").length > 0`)
	for i, kind := range []string{"workload", "threat", "failure", "memory"} {
		card := b.text(fmt.Sprintf("#kinds article:nth-child(%d)", i+1))
		for _, want := range []string{kind, kind + "-", "@", "serving", "last 10 s: model", "p99"} {
			if !strings.Contains(strings.ToLower(card), want) {
				t.Errorf("the card of %s does not say %q:\n%s", kind, want, card)
			}
		}
		if judged := strings.Contains(card, "50 judged"); judged != (kind == "failure") {
			t.Errorf("the card of %s, model against rule:\n%s", kind, card)
		}
	}

	b.everywhere()

	// What goes wrong appears by itself.
	chain.mld.kill()
	asked = 1 << 32
	ask(1)
	b.until(`document.documentElement.dataset.health === "degraded"`)
	b.until(`document.getElementById("errors").innerText.includes("daemon does not answer")`)
	b.until(`document.querySelector("#kinds article").innerText.includes("breaker open")`)
	b.until(`document.getElementById("why").innerText.includes("daemon unavailable")`)
	if got := b.text("#reasons"); !strings.Contains(got, "does not answer") || !strings.Contains(b.text("#facts"), "down") {
		t.Errorf("with the daemon away the page says %q and %q", got, b.text("#facts"))
	}
	b.picture("degraded")

	// The buttons: pausing stops the numbers, the colours can be chosen.
	b.do(chromedp.Click("#pause"))
	before := b.text("#t-rate-sub")
	ask(1)
	b.do(chromedp.Click("#theme"), chromedp.Click("#theme"))
	if got := eval[string](b, `document.documentElement.dataset.theme`); got != "dark" {
		t.Errorf("two clicks from auto give %q, want dark", got)
	}
	if got := b.text("#t-rate-sub"); got != before {
		t.Errorf("paused, %q became %q", before, got)
	}
	b.do(chromedp.Click("#pause"))
	b.until(`document.getElementById("t-rate-sub").innerText !== ` + fmt.Sprintf("%q", before))

	chain.bridge.kill()
	b.until(`document.documentElement.dataset.health === "unreachable"`)
	b.quiet()
}

// On the admin socket the page has buttons for what an operator may do, and asks
// before it does it. The socket is forwarded to a port here, as ssh -L would.
func TestLivePageOfTheOperator(t *testing.T) {
	findBrowser(t)
	bridge := startBridge(t, "http://127.0.0.1:1")
	forwarded := forward(t, bridge.at.Admin)
	b := openBrowser(t, forwarded)
	b.do(chromedp.Navigate("http://" + forwarded + "/live"))
	b.until(`document.documentElement.dataset.live === "on"`)
	b.until(`[...document.querySelectorAll("#buttons button")].some((e) => e.innerText === "drain")`)
	b.picture("operator")
	b.do(chromedp.Click(`//div[@id="buttons"]/button[text()="drain"]`))
	b.until(`document.querySelector("dialog[open]").innerText.includes("take nothing new")`)
	b.audit("a question")
	b.picture("confirm")
	b.do(chromedp.Click(`//dialog//button[text()="Leave it"]`))
	b.until(`document.querySelector("dialog") === null`)
	// The keyboard will do: the button by Enter, away by Escape, and the focus is back.
	b.do(chromedp.Focus(`//div[@id="buttons"]/button[text()="drain"]`), chromedp.KeyEvent(kb.Enter))
	b.until(`document.activeElement.innerText === "Leave it"`)
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until(`document.querySelector("dialog") === null && document.activeElement.innerText === "drain"`)
	if r := one(t, dial(t, bridge.at.Socket), fresh(1)[0], startup); r.Status != ipc.StatusOK {
		t.Errorf("after leaving it: %+v", r)
	}
	b.do(chromedp.Click(`//div[@id="buttons"]/button[text()="drain"]`))
	b.do(chromedp.Click(`//dialog//button[text()="Yes, drain"]`))
	if code := bridge.end(); code != 0 {
		t.Errorf("the drain ended with %d", code)
	}
	b.until(`document.documentElement.dataset.health === "unreachable"`)
	b.quiet()
}

// forward makes a Unix socket reachable under a port.
func forward(t *testing.T, socket string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			from, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer from.Close()
				to, err := net.Dial("unix", socket)
				if err != nil {
					return
				}
				defer to.Close()
				go func() {
					_, _ = io.Copy(to, from)
					to.Close()
				}()
				_, _ = io.Copy(from, to)
			}()
		}
	}()
	return ln.Addr().String()
}

// quiet checks that the browser had nothing to complain about.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 || len(b.strangers) > 0 {
		b.t.Errorf("the browser complained: %q; asked elsewhere: %q", b.complaints, b.strangers)
	}
}

// fits checks that nothing sticks out of the screen.
func (b *browser) fits(screen string) {
	b.t.Helper()
	if over := eval[[]string](b, `[...document.querySelectorAll("body *")]
		.filter((e) => (e.getBoundingClientRect().right > innerWidth + 1 || e.scrollWidth > e.clientWidth + 1 && e.clientWidth && getComputedStyle(e).overflowX !== "hidden") && !e.closest(".skip, .unseen, svg"))
		.map((e) => e.tagName + "." + e.className + " " + e.innerText.slice(0, 40))`); len(over) > 0 {
		b.t.Errorf("%s: out of the screen: %q", screen, over)
	}
}

// audit has axe-core judge the page by WCAG 2.2 A and AA, where it is at hand:
// MLBRIDGE_AXE=axe.min.js (npm pack axe-core). What needs none is checked in any case.
func (b *browser) audit(what string) {
	b.t.Helper()
	path := os.Getenv("MLBRIDGE_AXE")
	if path == "" {
		return
	}
	axe, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.Evaluate(string(axe)+"; true", new(bool)))
	var faults []string
	b.do(chromedp.Evaluate(`axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then((r) =>
		r.violations.map((v) => v.id + ": " + v.help + ": " + v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")))`,
		&faults, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	if len(faults) > 0 {
		b.t.Errorf("%s: axe-core finds\n%s", what, strings.Join(faults, "\n"))
	}
}

// everywhere looks at the page on a desk and on a phone, by day and by night: nothing
// may stick out, and everything that can be used must have a name and be large enough
// for a finger.
func (b *browser) everywhere() {
	b.t.Helper()
	for _, screen := range []struct {
		name          string
		width, height int64
	}{{"desktop", 1280, 900}, {"phone", 360, 740}} {
		for _, scheme := range []string{"light", "dark"} {
			b.look(screen.width, screen.height, scheme)
			b.until(`document.querySelector("#c-latency svg").viewBox.baseVal.width === document.getElementById("c-latency").clientWidth`)
			b.fits(screen.name)
			if nameless := eval[[]string](b, `[...document.querySelectorAll("button, a, [role=img]")]
				.filter((e) => !(e.innerText || e.getAttribute("aria-label") || "").trim())
				.map((e) => e.outerHTML)`); len(nameless) > 0 {
				b.t.Errorf("without a name: %v", nameless)
			}
			if small := eval[[]string](b, `[...document.querySelectorAll("button")]
				.filter((e) => e.offsetParent && e.offsetHeight < 24).map((e) => e.innerText)`); len(small) > 0 {
				b.t.Errorf("%s: too small for a finger: %v", screen.name, small)
			}
			ground := eval[string](b, `getComputedStyle(document.body).backgroundColor`)
			if dark := strings.HasPrefix(ground, "rgb(15,"); dark != (scheme == "dark") {
				b.t.Errorf("%s: the ground is %s", scheme, ground)
			}
			b.audit(screen.name + ", " + scheme)
			b.picture(screen.name + "-" + scheme)
		}
	}
	b.look(1280, 900, "light")
}
