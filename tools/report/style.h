// How html_page's pages look.
#pragma once

namespace thaw {

// CSS: light and dark as the reader's system has it, narrow and wide, and light on paper.
const char* page_style();

}  // namespace thaw
