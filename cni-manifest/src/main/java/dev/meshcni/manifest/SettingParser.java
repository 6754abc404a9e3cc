// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import dev.meshcni.config.ManifestException;
import dev.meshcni.config.Yaml;
import java.util.ArrayList;
import java.util.List;

/**
 * Parses a setting of the command line as Helm and istioctl take it: {@code KEY.KEY[INDEX]=VALUE}, several separated by
 * commas, lists as {@code {a,b}}. A backslash takes the next character literally; quotes around a key or a value do so
 * with all that they enclose.
 */
final class SettingParser {
    private static final String FORM = "must be KEY.KEY=VALUE; write a dot or comma that belongs to a key or value as"
            + " \\. and \\,, and a list index as [0]";
    private static final int MAX_INDEX = 9999;

    private final ManifestInput.Setting setting;
    private final Yaml.Position at;
    private final String text;
    private int place;

    /** A value and where it belongs. */
    record Assignment(SettingPath path, Yaml value) {}

    /** A word of the setting. */
    private record Word(String text, boolean quoted) {}

    private SettingParser(ManifestInput.Setting setting, Yaml.Position at) {
        this.setting = setting;
        this.text = setting.text();
        this.at = at;
    }

    /**
     * Parses all assignments of a setting.
     *
     * @throws ManifestException if it has not the form of a setting
     */
    static List<Assignment> parse(ManifestInput.Setting setting) {
        SettingParser parser =
                new SettingParser(setting, new Yaml.Position(setting.kind().option() + " " + setting.text(), 0, 0));
        List<Assignment> assignments = new ArrayList<>();
        do {
            SettingPath path = new SettingPath(parser.at, parser.path());
            assignments.add(new Assignment(path, parser.value()));
        } while (parser.place++ < parser.text.length() && parser.place < parser.text.length());
        return assignments;
    }

    /**
     * The steps of a path alone.
     *
     * @param at where it stands, for errors
     * @throws ManifestException if it has not the form of a path
     */
    static List<SettingPath.Step> path(Yaml.Position at, String text) {
        return new SettingParser(ManifestInput.Setting.of(ManifestInput.Setting.Kind.VALUE, text + "="), at).path();
    }

    private List<SettingPath.Step> path() {
        List<SettingPath.Step> steps = new ArrayList<>();
        while (true) {
            if (next() == '[' && !steps.isEmpty()) {
                steps.add(bracket());
            } else {
                Word key = word(".=[,");
                if (key.text().isEmpty()) {
                    throw new ManifestException(at, FORM);
                }
                steps.add(new SettingPath.Key(key.text()));
            }
            switch (next()) {
                case '=' -> {
                    place++;
                    return steps;
                }
                case '.' -> place++;
                case '[' -> {}
                default -> throw new ManifestException(at, FORM);
            }
        }
    }

    private SettingPath.Step bracket() {
        int end = text.indexOf(']', place);
        String inside = end < 0 ? "" : text.substring(place + 1, end);
        place = end + 1;
        int colon = inside.indexOf(':');
        if (colon > 0) {
            return new SettingPath.Item(inside.substring(0, colon), inside.substring(colon + 1));
        }
        if (!inside.matches("[0-9]{1,5}") || Integer.parseInt(inside) > MAX_INDEX) {
            throw new ManifestException(at, FORM);
        }
        return new SettingPath.Index(Integer.parseInt(inside));
    }

    private Yaml value() {
        if (next() != '{') {
            return scalar(word(","));
        }
        List<Yaml> items = new ArrayList<>();
        do {
            place++;
            Word item = word(",}");
            if (!item.text().isEmpty() || item.quoted()) {
                items.add(scalar(item));
            }
        } while (next() == ',');
        if (next() != '}') {
            throw new ManifestException(at, "the list that begins with { is not closed by }");
        }
        place++;
        if (place < text.length() && next() != ',') {
            throw new ManifestException(at, "only a comma and a further setting can follow }");
        }
        return new Yaml.Sequence(at, items);
    }

    /** Text up to one of some characters; a comma ends a value only where a further setting follows. */
    private Word word(String ends) {
        boolean isValue = ends.equals(",");
        StringBuilder word = new StringBuilder();
        char quote = next();
        int closed = quote == '"' || quote == '\'' ? text.indexOf(quote, place + 1) : -1;
        if (closed > 0 && (closed + 1 == text.length() || ends.indexOf(text.charAt(closed + 1)) >= 0)) {
            word.append(text, place + 1, closed);
            place = closed + 1;
            return new Word(word.toString(), true);
        }
        for (; place < text.length(); place++) {
            char c = text.charAt(place);
            if (c == '\\' && place + 1 < text.length()) {
                word.append(text.charAt(++place));
            } else if (ends.indexOf(c) >= 0 && (!isValue || isSettingAhead())) {
                break;
            } else {
                word.append(c);
            }
        }
        String found = word.toString();
        return new Word(isValue ? found : found.strip(), false);
    }

    /** Returns whether what follows the comma here has an equals sign before the next one, or nothing follows. */
    private boolean isSettingAhead() {
        for (int i = place + 1; i < text.length(); i++) {
            switch (text.charAt(i)) {
                case '\\' -> i++;
                case '=' -> {
                    return true;
                }
                case ',' -> {
                    return false;
                }
                default -> {}
            }
        }
        return place + 1 == text.length();
    }

    private char next() {
        return place < text.length() ? text.charAt(place) : 0;
    }

    private Yaml scalar(Word word) {
        return new Yaml.Scalar(
                at,
                switch (setting.kind()) {
                    case VALUE -> word.quoted() ? word.text() : typed(word.text());
                    case STRING -> word.text();
                    case FILE -> setting.file().apply(word.text());
                });
    }

    /** The values that Helm tells apart; anything else, such as {@code 1.10}, is a string. */
    private static Object typed(String text) {
        return switch (text) {
            case "true", "false" -> Boolean.valueOf(text);
            case "null" -> Yaml.Scalar.NULL;
            default -> text.matches("0|-?[1-9][0-9]{0,8}") ? Integer.valueOf(text) : text;
        };
    }
}
