package daemon

import (
	"net/url"

	"github.com/valyala/fasthttp"
)

// Some routes change something and take no body, so that a form on any web page
// could send what they want: a browser asks nobody before it sends a form. What it
// does send along is where the page came from.

// sameSite wraps a route that pages of other sites may not use.
func sameSite(serve func(*fasthttp.RequestCtx)) func(*fasthttp.RequestCtx) {
	return func(ctx *fasthttp.RequestCtx) {
		if crossSite(ctx) {
			sendError(ctx, fasthttp.StatusForbidden, "a page of another site may not do this")
			return
		}
		serve(ctx)
	}
}

// crossSite reports whether a browser sent the request for a page of another site.
// Programs send neither header. Browsers too old for Sec-Fetch-Site send Origin with
// every POST; "null", a page that hides where it came from, counts as another.
func crossSite(ctx *fasthttp.RequestCtx) bool {
	switch site := string(ctx.Request.Header.Peek("Sec-Fetch-Site")); site {
	case "same-origin", "none": // none: the person typed or clicked it
		return false
	case "":
	default:
		return true
	}
	origin := ctx.Request.Header.Peek("Origin")
	if len(origin) == 0 {
		return false
	}
	u, err := url.Parse(string(origin))
	return err != nil || u.Host == "" || u.Host != string(ctx.Host())
}
