#include "relay/align/texts.hpp"

namespace signet::align {
namespace {

constexpr std::size_t kMaxRecords = 100;

}  // namespace

net::Task<Texts> ask_texts(net::Resolver& resolver, net::Loop& loop, std::string name) {
  const auto answer = co_await resolver.resolve(loop, std::move(name), net::RecordType::txt);
  if (!answer && answer.error().fault == Fault::bad_parameter) co_return Texts{};
  if (!answer) co_return Texts{.error = std::string(row(answer.error().fault).text)};
  Texts found{.ttl = answer->ttl};
  for (const std::string& rdata : answer->records) {
    if (found.texts.size() == kMaxRecords) break;
    found.texts.push_back(net::decode_txt(rdata).value_or(""));
  }
  co_return found;
}

}  // namespace signet::align
