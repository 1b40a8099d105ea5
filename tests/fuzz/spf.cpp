// Records of strangers: each line of the input is the TXT record of one name, and the answers to
// all other questions are made from the question. Whatever the input, the evaluation ends within
// its limits.
#include "relay/align/spf.hpp"

#include "relay/align/spf_record.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/support/run_task.hpp"

namespace signet {
namespace {

using fuzz::require;

constexpr std::size_t kMaxNames = 16;

/// The names d0.test, d1.test, ... have the input's lines; others have records by their length.
class LinesResolver final : public net::Resolver {
 public:
  explicit LinesResolver(std::string_view input) {
    while (!input.empty() && lines_.size() < kMaxNames) {
      const std::size_t end = std::min(input.find('\n'), input.size());
      lines_.emplace_back(input.substr(0, end));
      input.remove_prefix(std::min(end + 1, input.size()));
    }
  }

  net::Task<Result<net::DnsAnswer>> resolve(net::Loop&, std::string name,
                                            net::RecordType type) override {
    ++asked_;
    require(!name.empty() && name.size() <= 253);
    net::DnsAnswer answer;
    answer.exists = true;
    if (type == net::RecordType::txt) {
      answer.records = texts(name);
      co_return answer;
    }
    if (name.size() % 7 == 0) co_return fail(Fault::dns_temporary);
    for (std::size_t i = 0; i < name.size() % 13; ++i) answer.records.push_back(record(type, i));
    co_return answer;
  }

  [[nodiscard]] unsigned asked() const { return asked_; }

 private:
  std::vector<std::string> texts(const std::string& name) const {
    const std::size_t number = name.starts_with('d') && name.size() > 1
                                   ? static_cast<std::size_t>(name[1] - '0')
                                   : kMaxNames;
    if (number >= lines_.size()) return {};
    std::string rdata;
    std::string_view line = lines_[number];
    do {
      const auto piece = line.substr(0, 255);
      rdata += static_cast<char>(static_cast<unsigned char>(piece.size()));
      rdata += piece;
      line.remove_prefix(piece.size());
    } while (!line.empty());
    return {rdata};
  }

  static std::string record(net::RecordType type, std::size_t i) {
    const char octet = static_cast<char>(i);
    if (type == net::RecordType::a) return {'\xc0', 0, 2, octet};
    if (type == net::RecordType::aaaa) return std::string(15, '\0') + octet;
    const std::string name{1, static_cast<char>('a' + i), 4, 't', 'e', 's', 't', 0};
    return type == net::RecordType::mx ? std::string(2, '\0') + name : name;
  }

  std::vector<std::string> lines_;
  unsigned asked_ = 0;
};

void evaluate(net::Loop& loop, std::string_view input, const char* address) {
  LinesResolver resolver(input);
  const align::SpfLimits limits;
  const align::SpfQuestion question{*IpAddress::parse(address), "l-o.c", "d0.test", "helo.test"};
  const auto result = test::run_task(loop, align::check_host(resolver, loop, question, limits));
  require(resolver.asked() <= limits.questions);
  require(result.lookups <= limits.lookups + 1);
  require(result.void_lookups <= limits.void_lookups + 1);
  require(!result.chain.empty() && result.chain.size() <= limits.lookups + 2);
  require(result.lookups <= limits.lookups || result.outcome == align::SpfOutcome::permerror);
  require(result.explanation.empty() || result.outcome == align::SpfOutcome::fail);
  require(result.reason == align::shown(result.reason) || result.reason.size() > 255);
  const auto words = test::run_task(loop, align::explain(resolver, loop, question, result, limits));
  require(words.size() <= 4096);
}

}  // namespace
}  // namespace signet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  static signet::net::Loop loop;
  const auto input = signet::fuzz::as_text(octets, size);
  signet::evaluate(loop, input, "192.0.2.7");
  signet::evaluate(loop, input, "2001:db8::7");
  return 0;
}
