#include "relay/reference_text.hpp"

#include <CLI/CLI.hpp>
#include <vector>

namespace signet::commands {
namespace {

/// Text that roff takes as it is: no escapes, no line that begins a request.
std::string roff(std::string_view text) {
  std::string safe;
  bool at_start = true;
  for (const char c : text) {
    if (at_start && (c == '.' || c == '\'')) safe += "\\&";
    if (c == '\\') {
      safe += "\\e";
    } else if (c == '-') {
      safe += "\\-";
    } else {
      safe += c;
    }
    at_start = c == '\n';
  }
  return safe;
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  std::vector<const CLI::App*> named;
  for (const CLI::App* each : app.get_subcommands({})) {
    if (!each->get_name().empty()) named.push_back(each);
  }
  return named;
}

/// Those of nameless groups too.
std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  std::vector<const CLI::Option*> all;
  for (const CLI::Option* each : app.get_options()) all.push_back(each);
  for (const CLI::App* group : app.get_subcommands({})) {
    if (!group->get_name().empty()) continue;
    for (const CLI::Option* each : group->get_options()) all.push_back(each);
  }
  return all;
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

void add_cases(const CLI::App& app, const std::string& path, std::string& cases) {
  std::string words;
  for (const CLI::App* command : commands_of(app)) words += command->get_name() + " ";
  for (const CLI::Option* option : options_of(app)) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  }
  cases += "    '" + path + "') words='" + words + "' ;;\n";
  for (const CLI::App* command : commands_of(app))
    add_cases(*command, path + " " + command->get_name(), cases);
}

std::string title(const std::string& name, const std::string& section,
                  const std::string& description) {
  return ".TH " + name + " " + section + " \"\" \"signet " SIGNET_VERSION "\"\n.SH NAME\n" +
         roff(description) + "\n";
}

void add_option(const CLI::Option& option, std::string& page) {
  std::string names;
  for (const std::string& name : option.get_lnames())
    names += (names.empty() ? "--" : ", --") + name;
  if (names.empty()) names = option.get_name();
  page += ".TP\n\\fB" + roff(names) + "\\fR";
  if (takes_value(option) && !option.get_lnames().empty()) page += " \\fIVALUE\\fR";
  page += "\n" + roff(option.get_description());
  if (const std::string value = option.get_default_str(); !value.empty())
    page += roff(" (default: " + value + ")");
  page += "\n";
}

void add_command(const CLI::App& app, const std::string& path, std::string& page) {
  page += ".SS " + roff(path) + "\n" + roff(app.get_description()) + "\n";
  for (const CLI::Option* option : options_of(app)) {
    if (option->check_lname("help")) continue;
    add_option(*option, page);
  }
  for (const CLI::App* command : commands_of(app))
    add_command(*command, path + " " + command->get_name(), page);
}

/// "# words" is prose, "#key = value", "[section]" and the like are what is written in the file.
enum class LineKind { empty, prose, setting, section };
LineKind kind_of(std::string_view line) {
  if (line.empty() || line == "#") return LineKind::empty;
  if (line.starts_with("# ")) return LineKind::prose;
  const std::string_view written = line.starts_with('#') ? line.substr(1) : line;
  return written.starts_with('[') ? LineKind::section : LineKind::setting;
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::string cases;
  add_cases(app, app.get_name(), cases);
  return "# Completion for signet; source it, or put it where bash-completion looks.\n"
         "_signet_words() {\n"
         "  local words=''\n"
         "  case \"$1\" in\n" +
         cases +
         "  esac\n"
         "  echo \"$words\"\n"
         "}\n"
         "_signet() {\n"
         "  local path=signet words i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    [[ ${COMP_WORDS[i]} == -* ]] || path+=\" ${COMP_WORDS[i]}\"\n"
         "  done\n"
         "  words=\"$(_signet_words \"$path\")\"\n"
         "  while [[ -z $words && $path == *' '* ]]; do  # Values of options are no commands.\n"
         "    path=\"${path% *}\"\n"
         "    words=\"$(_signet_words \"$path\")\"\n"
         "  done\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "}\n"
         "complete -o default -F _signet signet\n";
}

std::string command_manual(const CLI::App& app) {
  std::string page = title("SIGNET", "1", "signet - an outbound DKIM signing relay");
  page += ".SH SYNOPSIS\n\\fBsignet\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n.SH COMMANDS\n";
  for (const CLI::App* command : commands_of(app))
    add_command(*command, "signet " + command->get_name(), page);
  page +=
      ".SH EXIT STATUS\n0: done; 1: the answer is no; 2: configuration, the relay can't be "
      "reached, or standard output can't be written; 64: wrong use.\n.SH SEE ALSO\n.BR signet.toml "
      "(5)\n";
  return page;
}

std::string settings_manual(std::string_view example) {
  std::string page =
      title("SIGNET.TOML", "5", "signet.toml - configuration of signet") + ".SH DESCRIPTION\n";
  LineKind last = LineKind::empty;
  while (!example.empty()) {
    const std::size_t end = std::min(example.find('\n'), example.size());
    const std::string_view line = example.substr(0, end);
    example.remove_prefix(std::min(end + 1, example.size()));
    const LineKind kind = kind_of(line);
    const bool was_written = last == LineKind::setting || last == LineKind::section;
    const bool is_written = kind == LineKind::setting || kind == LineKind::section;
    if (is_written && !was_written) page += ".nf\n";
    if (!is_written && was_written) page += ".fi\n";
    if (kind == LineKind::empty || (kind == LineKind::prose && was_written)) page += ".PP\n";
    if (kind == LineKind::prose) page += roff(line.substr(2)) + "\n";
    if (is_written) page += "\\fB" + roff(line) + "\\fR\n";
    last = kind;
  }
  if (last == LineKind::setting || last == LineKind::section) page += ".fi\n";
  return page + ".SH SEE ALSO\n.BR signet (1)\n";
}

}  // namespace signet::commands
