// A client, a scripted server, and one message between them.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "relay/deliver/client.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/scripted_server.hpp"

namespace signet::deliver {

/// Scripts of a server that offers `keywords`, up to and with the EHLO reply.
[[nodiscard]] std::string greet(const std::vector<std::string>& keywords);

/// "delivered 250 2.0.0 Ok", "deferred 451 …", "failed 550 …"
[[nodiscard]] std::string describe(const RecipientOutcome& outcome);

class ClientTest : public testing::Test {
 protected:
  [[nodiscard]] ConnectOptions options(const test::ScriptedServer& server) const;
  /// A message to r1@b.example, r2@b.example, …
  [[nodiscard]] Transaction message(int recipients, std::string body = "Hello\r\n");

  [[nodiscard]] Result<std::unique_ptr<Connection>> open(ConnectOptions options) {
    return test::run_task(loop_, Connection::open(loop_, std::move(options)));
  }
  [[nodiscard]] std::vector<std::string> send(Connection& connection, Transaction transaction);
  /// Opens, sends one message to `recipients`, quits if that is possible, and checks the script.
  [[nodiscard]] std::vector<std::string> deliver(const std::string& script, int recipients);

  net::Loop loop_;
  config::Timeouts timeouts_;
  std::size_t slice_size_ = 4096;
  std::vector<std::vector<std::uint32_t>> attempts_;  ///< What before_dot was told.
  bool reusable_ = false;                             ///< After deliver().
  std::vector<std::string> messages_;                 ///< After deliver().
};

}  // namespace signet::deliver
