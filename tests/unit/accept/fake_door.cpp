#include "tests/unit/accept/fake_door.hpp"

#include "relay/accept/scram.hpp"
#include "relay/authorise/authoriser.hpp"

namespace signet::accept::test {
namespace {

class FakeIntake final : public Intake {
 public:
  FakeIntake(FakeDoor& door, Received message) : door_(door), message_(std::move(message)) {}
  ~FakeIntake() override {
    if (!ended_) ++door_.abandoned;
  }
  FakeIntake(const FakeIntake&) = delete;
  FakeIntake& operator=(const FakeIntake&) = delete;

  [[nodiscard]] smtp::DataDecoder::Options framing() const override { return door_.framing; }
  [[nodiscard]] net::Task<Result<void>> header(std::string block) override {
    message_.header = std::move(block);
    co_return answer("header");
  }
  [[nodiscard]] net::Task<Result<void>> body(std::string_view slice) override {
    message_.body += slice;
    message_.largest_slice = std::max(message_.largest_slice, slice.size());
    co_return answer("body");
  }
  [[nodiscard]] net::Task<Result<QueueId>> end(const smtp::DataDecoder& decoder) override {
    ended_ = true;
    message_.eight_bit = decoder.saw_eight_bit();
    const auto refusal = answer("end");
    if (!refusal) co_return refusal.failure();
    door_.messages.push_back(std::move(message_));
    co_return QueueId{door_.messages.size()};
  }

 private:
  [[nodiscard]] Result<void> answer(const std::string& stage) const {
    if (!message_.header.contains("X-Refuse: " + stage)) return {};
    return fail(Fault::author_missing, stage);
  }

  FakeDoor& door_;
  Received message_;
  bool ended_ = false;
};

}  // namespace

FakeDoor::FakeDoor() {
  configured.hostname = "relay.example";
  configured.users = {{"ann", "not looked at", ""}};
  configured.rewrites = {{".internal", true, *Domain::parse("example.com")}};
  config::ClientSettings apps;
  apps.name = "apps";
  apps.networks = {*IpNetwork::parse("127.0.0.0/8")};
  apps.users = {"ann"};
  apps.domains = {*Domain::parse("example.com")};
  configured.clients = {apps};
}

net::Task<Result<void>> FakeDoor::authenticate(net::Loop& loop, const SessionFacts&,
                                               std::string user, std::string password) {
  auto elsewhere = loop.sleep(std::chrono::milliseconds(0));
  co_await elsewhere;
  if (user == "away") co_return fail(Fault::auth_unavailable);
  if (user != "ann" || password != "secret") co_return fail(Fault::auth_failed);
  co_return Result<void>();
}

net::Task<Result<ReversePath>> FakeDoor::mail(const SessionFacts& facts, ReversePath sender) {
  const auto* client = authorise::find_client(configured, facts.peer);
  if (client == nullptr) co_return fail(Fault::client_unknown);
  if (sender) sender = authorise::rewrite(configured, std::move(*sender));
  const auto allowed = authorise::check_sender(*client, sender, false);
  if (!allowed) co_return allowed.failure();
  co_return sender;
}

Result<void> FakeDoor::rcpt(const SessionFacts&, const Recipient& recipient) {
  if (recipient.address.domain.text() != "nowhere.example") return {};
  return fail(Fault::recipient_not_routable);
}

Result<std::unique_ptr<Intake>> FakeDoor::open(net::Loop&, const SessionFacts& facts,
                                               Envelope envelope) {
  if (envelope.recipients.at(0).address.local == "full") return fail(Fault::memory_short);
  Received message;
  message.facts = facts;
  message.envelope = std::move(envelope);
  return std::unique_ptr<Intake>(std::make_unique<FakeIntake>(*this, std::move(message)));
}

Result<config::ScramKeys> FakeDoor::scram_keys(const SessionFacts&, const std::string& user) {
  if (user == "away") return fail(Fault::auth_unavailable);
  const std::string password = user == "ann" ? "secret" : "nobody's";
  return make_scram_keys(password, "sixteen octets!!", config::ScramKeys::kLeastIterations);
}

net::Task<Result<void>> FakeDoor::conclude(net::Loop& loop, const SessionFacts&, std::string user,
                                           bool proven) {
  auto elsewhere = loop.sleep(std::chrono::milliseconds(0));
  co_await elsewhere;
  if (user != "ann" || !proven) co_return fail(Fault::auth_failed);
  co_return Result<void>();
}

Result<void> FakeDoor::enter(const SessionFacts&, const config::ListenerSettings&) {
  if (full) return fail(Fault::too_many_connections);
  ++inside;
  ++entered;
  return {};
}

Result<void> FakeDoor::arrive(const SessionFacts& facts) {
  arrived.push_back(facts.remote);
  return {};
}

void FakeDoor::leave(const SessionFacts&) { --inside; }

}  // namespace signet::accept::test
