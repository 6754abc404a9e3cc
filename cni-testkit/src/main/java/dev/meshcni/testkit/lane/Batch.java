// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.lane;

import java.util.List;

/**
 * Test classes that one process runs in a row.
 *
 * @param name what tells it from others, the same in each run as long as its module has the same classes
 * @param classes their names
 */
record Batch(String name, List<String> classes) {}
