"""Probe."""
import re, itertools
from api.pages.page import csrf_token, COOKIE
from tests.pages.stage import STARRING, Stage
from tests.pages.test_all_pages import pages, forms

ODD = ["%00", "a%00b", "%0a", "0", "9"*24]
_ = ["%00", "a%00b", "%ff", "%0a", "x", "..%2f", "acme.9999-12-31", "%F0%9F%92%A9", "x"*2000, "0", "-1", "99999999999999999999999"]

def token(client):
    html = client.get("/sign-in").text
    return html.split('name="csrf" value="')[1].split('"')[0]

def test_fuzz(stage: Stage):
    cycle = stage.wired.invoices.current(STARRING).invoice.invoice.cycle
    for who in (stage.client(STARRING), stage.client(name="jane", role="admin")):
        t = token(who); n = 0
        good = {"organization": STARRING, "cycle": cycle, "line": "usage%2Fa1%2Fcpu%401", "case":"c1", "change":"1", "user":"owner", "alert":"a1", "action":"add-item", "discrepancy":"d1","token":"x"}
        for rule in [*pages(stage), *forms(stage)]:
            names = re.findall(r"<(?:\w+:)?(\w+)>", rule.rule)
            for name in names:
                for odd in ODD:
                    p = re.sub(r"<(?:\w+:)?(\w+)>", lambda m: odd if m[1]==name else good.get(m[1], "x"), rule.rule)
                    if "GET" in rule.methods: rs = [("GET", who.get(p))]
                    else: rs = []
                    if "POST" in rule.methods and "sign-out" not in p: rs.append(("POST", who.post(p, data={"csrf": t})))
                    for m, r in rs:
                        n += 1
                        if r.status_code >= 500: print(r.status_code, m, p[:120], re.sub(r"\s+"," ",re.sub("<[^>]+>","",r.text))[:120])
            # good path with odd queries
            p = re.sub(r"<(?:\w+:)?(\w+)>", lambda m: good.get(m[1], "x"), rule.rule)
            for key in ["before","after","as_of","known_at","q","state","change","page","cursor","from","to","status","line","cycle","left","right","meter","then","organization","case","at","kind","reported_before","limit"]:
                for odd in ["%00","9"*30,"0001-01-01T00:00","1971-01-01T00:00:00Z"]:
                    if "GET" in rule.methods:
                        r = who.get(f"{p}?{key}={odd}"); n+=1
                        if r.status_code >= 500: print(r.status_code, "GET", p[:90], key, odd, re.sub(r"\s+"," ",re.sub("<[^>]+>","",r.text))[:100])
            if "POST" in rule.methods and "sign-out" not in p:
                for odd in ["\0", "-1", "9"*40]:
                    data = {k: odd for k in ["text","name","amount","percent","budget","limit","of","up_to","reason","case","cycle","line","known_at","as_of","clear","comment","subject","url","id","step","token","event","job","schedule","action","key","letter","number","items","record"]}
                    for limit in ({}, {"limit":"amount","of":"spend"}, {"step":"approve"}, {"step":"do","token":"a"*20}):
                        r = who.post(p, data={**data, **limit, "csrf": t}); n+=1
                        if r.status_code >= 500: print(r.status_code, "POST", p[:90], repr(odd), limit, re.sub(r"\s+"," ",re.sub("<[^>]+>","",r.text))[:100])
        print(n)
