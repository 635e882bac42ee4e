import re, json
def test_shots(stage, open_window):
    paths = json.load(open('/tmp/shots_h.json'))
    from playwright.sync_api import sync_playwright
    c = stage.client()
    cyc = re.search(r'/support/invoices/(acme[^"?]+?)"', c.get('/support/organizations/acme').text).group(1)
    for name, path, opts in paths:
        v = open_window(**opts); v.sign_in(name="jane", role="support")
        v.go(path.replace("CYCLE", cyc)); v.shoot(name)
        try: v.assert_accessible()
        except AssertionError as e: print(name, str(e)[:1500])
