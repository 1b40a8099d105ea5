#include "relay/net/resolver.hpp"

#include <cctype>
#include <future>

#include "relay/net/dns_questions.hpp"

namespace signet::net {
namespace {

constexpr std::size_t kMaxLabel = 63;  // RFC 1035 2.3.4, as is:
constexpr std::size_t kMaxName = 253;  // In text, without the trailing dot.

void append_escaped(std::string& text, char c) {
  const auto octet = static_cast<unsigned char>(c);
  if (std::isalnum(octet) != 0 || c == '-' || c == '_') {
    text += c;
    return;
  }
  text += '\\';
  for (const int place : {100, 10, 1}) text += static_cast<char>('0' + octet / place % 10);
}

/// `name` as zone files write it, whatever octets its labels have.
Result<std::string> to_question(std::string_view name) {
  if (name.empty()) return std::string(".");
  if (name.size() > kMaxName) return fail(Fault::bad_parameter, "DNS name over 253 octets");
  std::string text;
  std::size_t label = 0;
  for (const char c : name) {
    if (c != '.') {
      append_escaped(text, c);
      if (++label > kMaxLabel) return fail(Fault::bad_parameter, "DNS label over 63 octets");
    } else {
      if (label == 0) return fail(Fault::bad_parameter, "empty label in a DNS name");
      text += c;
      label = 0;
    }
  }
  if (label == 0) return fail(Fault::bad_parameter, "empty label in a DNS name");
  return text;
}

class UnboundResolver final : public Resolver {
 public:
  explicit UnboundResolver(const ResolverSettings& settings)
      : questions_(std::make_unique<DnsQuestions>(thread_.loop().base(), settings)) {}

  ~UnboundResolver() override {
    thread_.loop().post([questions = std::move(questions_)] {});
  }

  Result<void> start() {
    std::promise<Result<void>> started;
    auto result = started.get_future();
    thread_.loop().post([this, &started] { started.set_value(questions_->start()); });
    return result.get();
  }

  Task<Result<DnsAnswer>> resolve(Loop& loop, std::string name, RecordType type) override {
    auto question = to_question(name);
    if (!question) co_return question.failure();
    Completion<Result<DnsAnswer>>::Start start = [this, type,
                                                  text = std::move(*question)](auto done) mutable {
      send(std::move(text), type, std::move(done));
    };
    auto answer = co_await completion<Result<DnsAnswer>>(loop, std::move(start));
    co_return answer;
  }

  [[nodiscard]] bool validates() const override { return questions_->validates(); }

 private:
  void send(std::string text, RecordType type, DnsQuestions::Done done) {
    thread_.loop().post([questions = questions_.get(), text = std::move(text), type,
                         done = std::move(done)]() mutable {
      questions->ask(std::move(text), type, std::move(done));
    });
  }

  LoopThread thread_{"resolver"};
  std::unique_ptr<DnsQuestions> questions_;  // Lives and dies on the thread.
};

}  // namespace

Result<std::unique_ptr<Resolver>> make_resolver(const ResolverSettings& settings) {
  auto resolver = std::make_unique<UnboundResolver>(settings);
  if (auto started = resolver->start(); !started) return started.failure();
  return std::unique_ptr<Resolver>(std::move(resolver));
}

}  // namespace signet::net
