// Files that are there whole or not at all, also after a power cut: written beside their place,
// synced, put in place by one system call, the directory synced.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "relay/base/result.hpp"

namespace signet::keys {

/// Hears of each step of a change before the next begins, so that tests can end the program there.
using StepObserver = std::function<void(std::string_view step)>;

enum class Existing { replaced, kept };

/// Writes `file` (mode 0600) in its directory, open as `directory`. False: it was there and is
/// kept. Faults: store_read_only, key_unavailable.
[[nodiscard]] Result<bool> write_durably(int directory, const std::filesystem::path& file,
                                         std::string_view text, Existing existing,
                                         const StepObserver& observer = {});

/// Overwrites the octets of `file`, then removes it; one that is not there is fine. Of a link only
/// the link goes: what it leads to is the affair of whoever made it. On a file system that never
/// writes in place the old blocks are its own affair. Faults: store_read_only, key_unavailable.
[[nodiscard]] Result<void> destroy_durably(int directory, const std::filesystem::path& file,
                                           const StepObserver& observer = {});

}  // namespace signet::keys
