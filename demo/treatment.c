/* SPDX-License-Identifier: Apache-2.0 */
/* Chapter four: the first patient is treated at a second hospital too, under another address. */
#include "report.h"
#include "story.h"

bool treatment_tell(struct story *story)
{
    (void)story;
    return true;
}
