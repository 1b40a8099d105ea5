// Answers many SPF questions over tables of DNS records: JSON on standard input to JSON on standard
// output. What the RFC's test suite and the comparison with another implementation run.
//
//   [{"zone": {NAME: [[TYPE, VALUE...], ...]}, "questions": [{"ip", "local", "domain", "helo"}]}]
//
// TXT values are strings in hexadecimal; ["TIMEOUT"] is as in table_resolver.hpp.
#include <iostream>
#include <nlohmann/json.hpp>

#include "relay/align/spf.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/table_resolver.hpp"

namespace signet {
namespace {

using nlohmann::json;

std::string from_hexadecimal(const std::string& text) {
  std::string octets;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    octets += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  }
  return octets;
}

void add(test::TableResolver& resolver, const std::string& name, const json& record) {
  const std::string type = record.at(0);
  if (type == "TXT") {
    std::vector<std::string> strings;
    for (std::size_t i = 1; i < record.size(); ++i) strings.push_back(from_hexadecimal(record[i]));
    resolver.add_txt(name, strings);
  } else if (type == "A" || type == "AAAA") {
    resolver.add_address(name, record.at(1));
  } else if (type == "MX") {
    resolver.add_mx(name, record.at(1), record.at(2));
  } else if (type == "PTR") {
    resolver.add_name(name, net::RecordType::ptr, record.at(1));
  } else if (type == "CNAME") {
    resolver.add_name(name, net::RecordType::cname, record.at(1));
  } else if (type == "TIMEOUT") {
    resolver.add_timeout(name);
  } else {
    throw std::invalid_argument(type);
  }
}

json answer(net::Loop& loop, test::TableResolver& resolver, const json& asked) {
  const align::SpfQuestion question{.address = *IpAddress::parse(std::string(asked.at("ip"))),
                                    .sender_local = asked.at("local"),
                                    .sender_domain = asked.at("domain"),
                                    .helo = asked.at("helo")};
  const align::SpfLimits limits;
  const auto result = test::run_task(loop, align::check_host(resolver, loop, question, limits));
  const auto words = test::run_task(loop, align::explain(resolver, loop, question, result, limits));
  return {{"result", align::name_of(result.outcome)},
          {"explanation", words},
          {"term", result.term},
          {"chain", result.chain},
          {"reason", result.reason},
          {"lookups", result.lookups},
          {"void_lookups", result.void_lookups}};
}

}  // namespace
}  // namespace signet

int main() {
  using nlohmann::json;
  signet::net::Loop loop;
  auto answers = json::array();
  for (const auto& group : json::parse(std::cin)) {
    signet::test::TableResolver resolver;
    for (const auto& [name, records] : group.at("zone").items()) {
      resolver.add_empty(name);
      for (const auto& record : records) signet::add(resolver, name, record);
    }
    for (const auto& question : group.at("questions")) {
      answers.push_back(signet::answer(loop, resolver, question));
    }
  }
  std::cout << answers.dump(-1, ' ', false, json::error_handler_t::replace) << "\n";
}
