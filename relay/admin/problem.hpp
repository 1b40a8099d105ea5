// Answers of the API: JSON, and what went wrong as RFC 9457 problem details.
//
//   {"title": "Conflict", "status": 409, "detail": "words that say what to do", "fault": "name"}
//
// "type" is left out: about:blank (RFC 9457 4.2.1). "fault" names the row of the fault table.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "relay/base/result.hpp"
#include "relay/net/http_server.hpp"

namespace signet::admin {

/// As text with a line's end; octets that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string to_text(const nlohmann::json& json);

[[nodiscard]] net::HttpResponse reply(int status, const nlohmann::json& body);

[[nodiscard]] net::HttpResponse problem(int status, std::string_view detail,
                                        std::string_view fault = {});
/// 404 for not_found, 400 for bad_parameter, 503 for what may pass, else 409.
[[nodiscard]] int status_of(Fault fault);
/// With the error's public words.
[[nodiscard]] net::HttpResponse problem(const Error& error);

}  // namespace signet::admin
