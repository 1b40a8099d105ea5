#include "relay/admin/problem.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace signet::admin {
namespace {

using nlohmann::json;

/// RFC 9110 15, RFC 6585.
std::string_view phrase_of(int status) {
  constexpr std::array<std::pair<int, std::string_view>, 10> kPhrases{
      {{400, "Bad Request"},
       {401, "Unauthorized"},
       {403, "Forbidden"},
       {404, "Not Found"},
       {405, "Method Not Allowed"},
       {409, "Conflict"},
       {413, "Content Too Large"},
       {429, "Too Many Requests"},
       {500, "Internal Server Error"},
       {503, "Service Unavailable"}}};
  for (const auto& [known, phrase] : kPhrases) {
    if (known == status) return phrase;
  }
  return "Error";
}

}  // namespace

std::string to_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

net::HttpResponse reply(int status, const json& body) {
  return {status, "application/json", to_text(body)};
}

net::HttpResponse problem(int status, std::string_view detail, std::string_view fault) {
  json body{{"title", phrase_of(status)}, {"status", status}, {"detail", detail}};
  if (!fault.empty()) body["fault"] = fault;
  return {status, "application/problem+json", to_text(body)};
}

int status_of(Fault fault) {
  if (fault == Fault::not_found) return 404;
  if (fault == Fault::bad_parameter) return 400;
  return is_transient(fault) ? 503 : 409;
}

net::HttpResponse problem(const Error& error) {
  return problem(status_of(error.fault), error.public_text(), row(error.fault).name);
}

}  // namespace signet::admin
