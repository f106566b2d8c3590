//! The reference page (`docs/reference/configuration.md`), written from the table.

/// The page as Markdown.
pub fn reference_page() -> String {
    String::new()
}
