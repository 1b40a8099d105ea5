// The TXT records at a name, each with its strings joined, or that the DNS did not say.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "relay/net/loop.hpp"
#include "relay/net/resolver.hpp"
#include "relay/net/task.hpp"

namespace signet::align {

struct Texts {
  std::vector<std::string> texts = {};  ///< At most 100.
  std::string error = {};               ///< Not empty: the DNS did not answer.
  std::chrono::seconds ttl{0};
};
/// A name too long for the DNS has none.
[[nodiscard]] net::Task<Texts> ask_texts(net::Resolver& resolver, net::Loop& loop,
                                         std::string name);

}  // namespace signet::align
