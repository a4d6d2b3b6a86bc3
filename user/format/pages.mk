# SPDX-License-Identifier: BSD-2-Clause
# The pages for browsers, bundled by npm from the one lock file, html/package-lock.json. What comes out is in the repository,
# in html/built/ and serve/page/built/, so that `make` needs neither npm nor the network; `make pages` makes it anew after a
# change of its sources, and check-pages, which CI runs, fails if it is not what the sources give.
HTML_SRC := $(addprefix user/format/html/,.npmrc package.json package-lock.json page.html page.css page.js amounts.js frames.js \
	build.mjs licences.mjs)
PAGE_SRC := $(wildcard user/serve/page/*.jsx user/serve/page/*.js user/serve/page/*.mjs user/serve/page/*.css user/serve/page/*.html)
BUNDLE	 := $(BUILD)/pages

$(BUNDLE)/made: $(HTML_SRC) $(PAGE_SRC)
	$(call msg,NPM,$(BUNDLE))
	$(Q)rm -rf $(BUNDLE) && mkdir -p $(BUNDLE)/html/serve $(BUNDLE)/out/serve
	$(Q)cp $(HTML_SRC) $(BUNDLE)/html && cp $(PAGE_SRC) $(BUNDLE)/html/serve
	$(Q)cd $(BUNDLE)/html && { npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 || \
		{ cat npm.log; echo 'npm ci failed: is npm there, and can its registry be reached?'; exit 1; } >&2; }
	$(Q)cd $(BUNDLE)/html && node build.mjs ../out/page.html && cd serve && node build.mjs ../../out/serve
	$(Q)touch $@

pages: $(BUNDLE)/made
	$(Q)cp $(BUNDLE)/out/page.html user/format/html/built/
	$(Q)cp $(BUNDLE)/out/serve/* user/serve/page/built/
check-pages: $(BUNDLE)/made
	$(Q)diff -q $(BUNDLE)/out/page.html user/format/html/built/page.html && diff -qr $(BUNDLE)/out/serve user/serve/page/built || \
		{ echo 'the built pages are not what their sources give: make pages' >&2; exit 1; }
.PHONY: pages check-pages
