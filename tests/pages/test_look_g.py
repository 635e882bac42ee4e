from tests.pages.stage import Open, Stage

def test_all(stage: Stage, open_window: Open) -> None:
    for scheme,view in (("light",{"width":1280,"height":800}),("dark",{"width":390,"height":844})):
        visit=open_window(color_scheme=scheme, viewport=view)
        page=visit.sign_in("acme")
        prev,cur=stage.wired.books.cycle_names("acme")[-2:]
        paths={"costs":"/costs","invoice":f"/invoices/{prev}","changes":f"/invoices/{cur}/changes?since=2026-11-20","story":f"/invoices/{prev}/story","line":f"/invoices/{prev}/lines/usage/net/egress@1/region=fra","alerts":"/alerts","notices":"/notices","cases":"/cases","tips":"/tips","invoices":"/invoices"}
        for name,path in paths.items():
            page=visit.go(f"/billing/acme{path}")
            if name=="costs": page.wait_for_selector(".u-wrap")
            visit.shoot(f"g-{name}-{scheme}")
            try: visit.assert_accessible()
            except AssertionError as e: print(name,str(e)[:600])
        page=visit.go("/billing/acme")
        page.wait_for_selector("#costs .u-wrap")
        visit.shoot(f"g-overview-{scheme}")
        page.get_by_role("link",name="Report a problem with this invoice").click()
        visit.shoot(f"g-new-{scheme}")
        visit.assert_accessible()
        page.get_by_label("What is wrong?").fill("Too much <b>!")
        page.get_by_role("button",name="Send the report").click()
        visit.shoot(f"g-case-{scheme}")
        visit.assert_accessible()
    visit=open_window()
    page=visit.sign_in("fjord"); visit.shoot("g-fjord")
    page.get_by_role("button",name="Pay now").click()
    visit.shoot("g-pay")
    visit.assert_accessible()
    page=visit.go("/billing/fjord")
    page.get_by_role("button",name="Open the pages at Stripe").click()
    visit.shoot("g-portal")
    visit=open_window()
    page=visit.sign_in(); visit.go("/billing/kite-labs"); visit.shoot("g-staff")
    visit.assert_accessible()
