#include "monitoring/audit/inquiry.hpp"

namespace signet::audit {
namespace {

constexpr std::chrono::seconds kPoll{10};  // Each question has its own deadline in the resolver.

}  // namespace

net::Task<Result<net::DnsAnswer>> Inquiry::resolve(net::Loop& loop, std::string name,
                                                   net::RecordType type) {
  const auto [at, is_new] = questions_.try_emplace(std::pair(name, type), loop);
  Question& question = at->second;
  if (!is_new) {
    while (!question.answer) (void)co_await question.answered.wait(kPoll);
    co_return *question.answer;
  }
  if (pace_ != nullptr) co_await loop.sleep(pace_->reserve(clock_.steady()));
  auto answer = co_await resolver_.resolve(loop, std::move(name), type);
  question.answer.emplace(std::move(answer));
  question.answered.notify_all();
  co_return *question.answer;
}

}  // namespace signet::audit
