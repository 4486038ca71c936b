// Comma-separated values as RFC 4180 has them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace thaw {

struct CsvRow {
  std::int64_t line = 0;  // where the row begins, from 1
  std::vector<std::string> fields;
};

struct CsvTable {
  std::vector<std::string> columns;  // the first row
  std::vector<CsvRow> rows;          // each with one field per column
};

// Lines end in LF or CRLF, empty ones are passed over, as is a byte order mark. A field may stand in quotes
// and then hold commas, line ends and doubled quotes; outside of quotes spaces around a field are dropped.
// Throws Error "NAME:LINE: ..." on a quote that is not closed or stands inside a field, text behind a closing
// quote, a NUL byte, a row with another number of fields than the first, a column without a name or with the
// name of another, and where there are no rows.
CsvTable parse_csv(std::string_view text, const std::string& name);

}  // namespace thaw
