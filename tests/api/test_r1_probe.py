"""Probe."""
from tests.api.conftest import CYCLE, START, Caller, day
from tests.api.test_life import INVOICE, ORGANIZATION, USAGE, amounts, done, issued, used
from tests.api.test_usage import record
import json, itertools

__all__ = ["issued", "used"]

def test_queries(used, admin, wired, caller):
    while wired.projector.step(): pass
    paths = [
      "/v1/organizations/acme/usage/daily?to=0001-01-05",
      "/v1/organizations/acme/usage/daily?from=0001-01-01&to=0001-01-02",
      "/v1/organizations/acme/usage/daily?from=9999-12-01&to=9999-12-31",
      "/v1/organizations/acme/usage/daily?from=9999-12-01",
      "/v1/organizations/acme/usage/daily?from=20260101",
      "/v1/organizations/acme/usage/daily?from=2026-W01-1",
      "/v1/organizations/acme/costs/daily?cycle=%00",
      "/v1/organizations/acme/costs/daily?cycle=acme.0001-01-01",
      "/v1/organizations/acme/costs/daily?cycle=acme.9999-12-31",
      "/v1/organizations/acme/costs/daily?cycle=acme.2026-01-01%232",
      "/v1/organizations/acme/cases?cycle=%00",
      "/v1/organizations/acme/cases?cursor=9999999999999999999999",
      "/v1/organizations/acme/cases?cursor=%D9%A1",
      "/v1/organizations/acme/cases?limit=0",
      "/v1/organizations/acme/cases?limit=1e3",
      "/v1/cases?organization=A",
      "/v1/cases?reported_before=0001-01-01T00:00:00Z",
      "/v1/cases?reported_before=9999-12-31T23:59:59Z",
      "/v1/cases/%00/x",
      "/v1/organizations/acme/cases/%00",
      "/v1/organizations/acme/cases/acme.%00",
      "/v1/organizations/acme/cases/acme.c1%0a",
      "/v1/organizations/acme/cases/" + "x"*5000,
      "/v1/organizations/acme/cases/acme",
      "/v1/organizations/acme/cases/.",
      "/v1/organizations/acme/cases/..",
      "/v1/organizations/acme/cases/acme.%ED%A0%80",
      "/v1/feedback?clear=maybe", "/v1/feedback?clear=1", "/v1/feedback?cursor=0","/v1/feedback?organization=x&clear=false",
      "/v1/discrepancies?cursor=-1","/v1/discrepancies?kind=%00","/v1/discrepancies?cycle=%FF",
      "/v1/change-requests?state=x","/v1/change-requests?cursor=999999999999999999","/v1/change-requests/0","/v1/change-requests/999999999999999999999999999","/v1/change-requests/%D9%A1",
      "/v1/search?q=", "/v1/search?q=%00","/v1/search?q=%25","/v1/search?q=_","/v1/search?q=%ED%A0%80","/v1/search?q=%C3%9F","/v1/search?q=cus_%27","/v1/search?q=acme.","/v1/search?q=" + "x"*300,"/v1/search?q=%F0%9F%98%80","/v1/search?q=~","/v1/search?q=acme&limit=0", "/v1/search?q=.", "/v1/search?q=acme.2026-99-99",
      "/v1/organizations/nobody/forecast","/v1/organizations/nobody/alerts","/v1/organizations/nobody/tips","/v1/organizations/nobody/usage/daily","/v1/organizations/nobody/costs/daily","/v1/organizations/nobody/cases",
      "/v1/organizations/acme/forecast","/v1/organizations/acme/tips",
      "/sign-in/%00","/sign-in/x.y","/sign-in/" + "é", "/sign-in?next=//evil","/sign-in?next=http://evil",
      "/v1/notices?cursor=x", "/v1/schedules", "/v1/dead-letters?cursor=-1",
    ]
    for p in paths:
        r = admin("GET", p)
        t = r.get_data(as_text=True)[:110].replace("\n"," ")
        print(r.status_code, p[:90], t)

BODIES = [None, [], {}, "x", 1, True, [[]], {"text": 1}, {"text": "\x00"}, {"text": "\ud800"}, {"text": " "}, {"text": "x"*4001},
  {"text":"x","case":"A"},{"text":"x","cycle":"\u0000"},{"text":"x","cycle":"acme"},{"text":"x","cycle":CYCLE,"line":"usage/%"},{"text":"x","line":"y"},
  {"text":"x","known_at":"0001-01-01T00:00:00Z"},{"text":"x","known_at":"9999-12-31T23:59:59Z"},{"text":"x","known_at":"1990-01-01T00:00:00Z"},
  {"text":"x","cycle":CYCLE,"known_at":"1990-01-01T00:00:00Z"},{"text":"x","cycle":CYCLE,"as_of":"1971-01-01T00:00:00Z"},{"text":"x","cycle":CYCLE,"as_of":"2099-01-01T00:00:00Z"},
  {"text":"x","as_of":"2099-01-01T00:00:00Z"},
  {"text":"x","visibility":"x"},{"text":"x","visibility":["internal"]},{"text":"x","kind":"credited","position":2**62},{"text":"x","kind":"credited","position":2**62+1},{"text":"x","kind":"corrected","cycle":"x"},{"text":"x","kind":"credited","credit":"zz"},
  {"of":"x"},{"amount":1.5},{"amount":10**13},{"amount":1e400 if False else 10**30},{"percent":0},{"percent":50,"amount":4},{"percent":50,"budget":0},{"budget":4},{"percent":True},{"amount":True},
  {"clear":"yes"},{"clear":None},{"clear":True,"comment":""},{"clear":True,"comment":"\x07"},{"clear":True,"comment":"x"*3000},{"clear":1},
  {"how":"adopt","reason":"x"},{"how":[],"reason":"x"},{"reason":"x","up_to":-1},{"reason":"x","up_to":10**40},{"reason":"\n"},
  {"user":"\ud800"},{"user":"x","lasts_s":1},{"lasts_s":10**9},{"lasts_s":True},{"name":"a","role":"organization"},{"name":"a","role":["support"]},{"name":"A","role":"admin"},
]
def test_bodies(used, admin, wired):
    done(admin("POST", "/v1/organizations/acme/cases", {"text":"hello","case":"c1"}), 201)
    while wired.projector.step(): pass
    where = [("POST","/v1/organizations/acme/cases"),("POST","/v1/organizations/acme/cases/acme.c1/comment"),("POST","/v1/organizations/acme/cases/acme.c1/reopen"),
      ("POST","/v1/cases/acme.c1/comment"),("POST","/v1/cases/acme.c1/resolve"),("POST","/v1/cases/acme.c1/acknowledge"),("DELETE","/v1/cases/acme.c1/texts/x"),("DELETE","/v1/cases/%00/texts/x"),("POST","/v1/cases/%00/comment"),("POST","/v1/cases/x/comment"),
      ("POST","/v1/organizations/other/cases/acme.c1/comment"),
      ("PUT","/v1/organizations/acme/alerts/a1"),("PUT","/v1/organizations/acme/alerts/A"),("DELETE","/v1/organizations/acme/alerts/zz"),("PUT","/v1/organizations/nobody/alerts/a1"),("DELETE","/v1/organizations/nobody/alerts/a1"),
      ("PUT",f"/v1/invoices/{CYCLE}/feedback"),("PUT","/v1/invoices/acme.2020-01-01/feedback"),("PUT","/v1/invoices/nobody.2020-01-01/feedback"),
      ("POST","/v1/discrepancies/abc/resolve"),("POST","/v1/change-requests/1/approve"),("POST","/v1/change-requests/1/reject"),
      ("POST","/v1/organizations/acme/sign-in-links"),("POST","/v1/organizations/nobody/sign-in-links"),("POST","/v1/sign-in-links")]
    bad = 0
    for (m,p),b in itertools.product(where, BODIES):
        text = json.dumps(b)
        r = admin.client.open(p, method=m, data=text, headers={"Authorization": f"Bearer {admin.key}", "Content-Type":"application/json"})
        if r.status_code >= 500 or (r.status_code < 300 and b not in ({},) ):
            print(r.status_code, m, p, text[:80], r.get_data(as_text=True)[:140])
