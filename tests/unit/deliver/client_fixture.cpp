#include "tests/unit/deliver/client_fixture.hpp"

namespace signet::deliver {
namespace {

struct Body {
  std::string text;
  std::size_t slice_size;
  std::size_t at = 0;
};

net::Task<Result<std::string_view>> next_slice(std::shared_ptr<Body> body) {
  const auto slice = std::string_view(body->text).substr(body->at, body->slice_size);
  body->at += slice.size();
  co_return slice;
}

net::Task<Result<void>> note(std::vector<std::vector<std::uint32_t>>& attempts,
                             std::vector<std::uint32_t> accepted) {
  attempts.push_back(std::move(accepted));
  co_return Result<void>();
}

}  // namespace

std::string greet(const std::vector<std::string>& keywords) {
  std::string script = "S: 220 sink.example ESMTP\nC: EHLO relay.example\nS: 250-sink.example\n";
  for (const std::string& keyword : keywords) script += "S: 250-" + keyword + "\n";
  return script + "S: 250 HELP\n";
}

std::string describe(const RecipientOutcome& outcome) {
  const char* const result = outcome.result == RecipientResult::delivered  ? "delivered "
                             : outcome.result == RecipientResult::deferred ? "deferred "
                                                                           : "failed ";
  return result + outcome.reply;
}

ConnectOptions ClientTest::options(const test::ScriptedServer& server) const {
  ConnectOptions options;
  options.host = "sink.example";
  options.endpoint = server.endpoint();
  options.helo = "relay.example";
  options.timeouts = timeouts_;
  return options;
}

Transaction ClientTest::message(int recipients, std::string body) {
  Transaction transaction;
  transaction.sender = Mailbox{"s", *Domain::parse("a.example")};
  for (int i = 1; i <= recipients; ++i) {
    transaction.recipients.push_back(
        {Mailbox{"r" + std::to_string(i), *Domain::parse("b.example")}, {}});
  }
  transaction.head = "Subject: x\r\n\r\n";
  transaction.body_size = body.size();
  transaction.next_slice = [shared = std::make_shared<Body>(std::move(body), slice_size_)] {
    return next_slice(shared);
  };
  transaction.before_dot = [this](std::vector<std::uint32_t> accepted) {
    return note(attempts_, std::move(accepted));
  };
  return transaction;
}

std::vector<std::string> ClientTest::send(Connection& connection, Transaction transaction) {
  std::vector<std::string> described;
  for (const auto& outcome : test::run_task(loop_, connection.send(std::move(transaction)))) {
    described.push_back(describe(outcome));
  }
  return described;
}

std::vector<std::string> ClientTest::deliver(const std::string& script, int recipients) {
  test::ScriptedServer server({script});
  auto opened = open(options(server));
  std::vector<std::string> outcomes;
  if (opened) {
    outcomes = send(**opened, message(recipients));
    reusable_ = (*opened)->is_reusable();
    if (reusable_) test::run_task(loop_, (*opened)->quit());
    opened->reset();
  } else {
    ADD_FAILURE() << opened.error().detail;
  }
  EXPECT_EQ(server.finish(), "");
  messages_ = server.messages();
  return outcomes;
}

}  // namespace signet::deliver
