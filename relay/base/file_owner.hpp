// Files that an administrator makes for the relay: root's commands work in directories of its user.
#pragma once

namespace signet {

/// What root makes in somebody's directory becomes theirs; for all other users nothing happens.
/// Both are descriptors, `directory` may be O_PATH. False: errno says why.
[[nodiscard]] bool give_to_owner_of(int directory, int made);

}  // namespace signet
