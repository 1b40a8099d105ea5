// The part of UCL, rspamd's configuration language, that its dkim_signing settings are written in.
//
//   text    = *entry
//   entry   = name *name ( [ "=" / ":" ] value ) [ ";" / "," ]
//   value   = "{" text "}" / "[" *( value [ "," / ";" ] ) "]" / quoted / bare / heredoc
//
// Comments: "#" and "/* */". Sections of one name are merged, other values of one name become a
// list. JSON is a part of it. Macros (".include") are refused. No I/O.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "relay/base/result.hpp"

namespace signet::keys {

/// An object; bare true, false, yes, no, on, off are booleans, all else text. Fault: bad_parameter
/// (line and reason).
[[nodiscard]] Result<nlohmann::json> parse_ucl(std::string_view text);

}  // namespace signet::keys
