// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import java.util.ArrayList;
import java.util.List;

/** Splitting without regular expressions, which the plugin does without. */
final class Split {
    private Split() {}

    /** All parts between separators, also empty ones. */
    static List<String> at(char separator, String text) {
        List<String> parts = new ArrayList<>();
        int start = 0;
        for (int end = text.indexOf(separator); end >= 0; end = text.indexOf(separator, start)) {
            parts.add(text.substring(start, end));
            start = end + 1;
        }
        parts.add(text.substring(start));
        return parts;
    }
}
