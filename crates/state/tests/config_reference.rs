//! `docs/reference/configuration.md` is what the table says.

#[test]
fn the_reference_page_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/configuration.md");
    let page = chronik_state::config::reference_page();
    let on_disk = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        on_disk == page,
        "docs/reference/configuration.md is stale; run: cargo run -p chronik -- config reference > docs/reference/configuration.md"
    );
}
