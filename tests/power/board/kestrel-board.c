// SPDX-License-Identifier: MIT
/*
 * A board that gives the NPU a clock, a supply and a reset line: supply-script
 * reads what they are at, and how often the driver used them in a wrong order, in
 * /sys/kernel/debug/kestrel-board. Nothing of it reaches the emulated NPU.
 */
#include <linux/clk-provider.h>
#include <linux/debugfs.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/regulator/driver.h>
#include <linux/regulator/of_regulator.h>
#include <linux/reset-controller.h>

#define BOARD_MAX_HZ		500000000
/* What the highest clock needs; others in proportion above the lowest voltage. */
#define BOARD_MIN_UV		600000
#define BOARD_MAX_UV		900000

struct board {
	struct clk_hw clock;
	struct reset_controller_dev reset;
	struct dentry *directory;
	u32 clock_enabled;
	u32 hertz;
	u32 rate_changes;
	u32 supply_enabled;
	u32 microvolts;
	u32 reset_asserted;
	u32 violations;
	bool fail_enable;
};

static void board_check(struct board *board, bool right, const char *what)
{
	if (right)
		return;
	board->violations++;
	pr_info("kestrel-board: %s: clock %u at %u Hz, supply %u at %u uV, reset %u\n", what,
		board->clock_enabled, board->hertz, board->supply_enabled, board->microvolts,
		board->reset_asserted);
}

/* What it takes to run at this clock, as supply-script has it in the operating points. */
static u32 board_needs(u32 hertz)
{
	return BOARD_MIN_UV + hertz / 2000;
}

static void board_check_all(struct board *board, const char *what)
{
	board_check(board, !board->clock_enabled || board->supply_enabled, what);
	board_check(board, !board->clock_enabled || board->microvolts >= board_needs(board->hertz),
		    what);
	board_check(board, board->reset_asserted ||
			   (board->clock_enabled && board->supply_enabled), what);
}

static struct board *board_of_clock(struct clk_hw *hw)
{
	return container_of(hw, struct board, clock);
}

static int board_clock_prepare(struct clk_hw *hw)
{
	struct board *board = board_of_clock(hw);

	board->clock_enabled = 1;
	board_check(board, board->supply_enabled, "the clock comes before the supply");
	return 0;
}

static void board_clock_unprepare(struct clk_hw *hw)
{
	struct board *board = board_of_clock(hw);

	board->clock_enabled = 0;
	board_check_all(board, "the clock goes");
}

static unsigned long board_clock_rate(struct clk_hw *hw, unsigned long parent_rate)
{
	return board_of_clock(hw)->hertz;
}

static int board_clock_determine(struct clk_hw *hw, struct clk_rate_request *request)
{
	request->rate = min(request->rate, (unsigned long)BOARD_MAX_HZ);
	return 0;
}

static int board_clock_set(struct clk_hw *hw, unsigned long rate, unsigned long parent_rate)
{
	struct board *board = board_of_clock(hw);

	board->hertz = rate;
	board->rate_changes++;
	board_check_all(board, "the clock changes");
	return 0;
}

static const struct clk_ops board_clock_ops = {
	.prepare = board_clock_prepare,
	.unprepare = board_clock_unprepare,
	.recalc_rate = board_clock_rate,
	.determine_rate = board_clock_determine,
	.set_rate = board_clock_set,
};

static int board_supply_set(struct regulator_dev *supply, int least, int most,
			    unsigned int *selector)
{
	struct board *board = rdev_get_drvdata(supply);

	board->microvolts = least;
	board_check_all(board, "the voltage changes");
	return 0;
}

static int board_supply_get(struct regulator_dev *supply)
{
	struct board *board = rdev_get_drvdata(supply);

	return board->microvolts;
}

static int board_supply_enable(struct regulator_dev *supply)
{
	struct board *board = rdev_get_drvdata(supply);

	if (board->fail_enable)
		return -EIO;
	board->supply_enabled = 1;
	return 0;
}

static int board_supply_disable(struct regulator_dev *supply)
{
	struct board *board = rdev_get_drvdata(supply);

	board->supply_enabled = 0;
	board_check_all(board, "the supply goes");
	return 0;
}

static int board_supply_is_enabled(struct regulator_dev *supply)
{
	struct board *board = rdev_get_drvdata(supply);

	return board->supply_enabled;
}

static const struct regulator_ops board_supply_ops = {
	.set_voltage = board_supply_set,
	.get_voltage = board_supply_get,
	.enable = board_supply_enable,
	.disable = board_supply_disable,
	.is_enabled = board_supply_is_enabled,
};

static const struct regulator_desc board_supply_desc = {
	.name = "kestrel-board-npu",
	.of_match = "regulator",
	.type = REGULATOR_VOLTAGE,
	.owner = THIS_MODULE,
	.ops = &board_supply_ops,
	.continuous_voltage_range = true,
};

static int board_reset_set(struct reset_controller_dev *reset, bool asserted)
{
	struct board *board = container_of(reset, struct board, reset);

	board->reset_asserted = asserted;
	board_check_all(board, "the reset line changes");
	return 0;
}

static int board_reset_assert(struct reset_controller_dev *reset, unsigned long id)
{
	return board_reset_set(reset, true);
}

static int board_reset_deassert(struct reset_controller_dev *reset, unsigned long id)
{
	return board_reset_set(reset, false);
}

static const struct reset_control_ops board_reset_ops = {
	.assert = board_reset_assert,
	.deassert = board_reset_deassert,
};

static int board_probe(struct platform_device *pdev)
{
	static const struct clk_init_data clock_init = {
		.name = "kestrel-board-npu",
		.ops = &board_clock_ops,
	};
	struct device *dev = &pdev->dev;
	struct board *board = devm_kzalloc(dev, sizeof(*board), GFP_KERNEL);
	struct regulator_config config = { .dev = dev, .driver_data = board };
	struct regulator_dev *supply;
	int ret;

	if (!board)
		return -ENOMEM;
	platform_set_drvdata(pdev, board);
	board->hertz = BOARD_MAX_HZ;
	board->microvolts = BOARD_MAX_UV;
	board->reset_asserted = 1;

	board->clock.init = &clock_init;
	ret = devm_clk_hw_register(dev, &board->clock);
	if (!ret)
		ret = devm_of_clk_add_hw_provider(dev, of_clk_hw_simple_get, &board->clock);
	if (ret)
		return ret;

	supply = devm_regulator_register(dev, &board_supply_desc, &config);
	if (IS_ERR(supply))
		return PTR_ERR(supply);

	board->reset.ops = &board_reset_ops;
	board->reset.owner = THIS_MODULE;
	board->reset.of_node = dev->of_node;
	board->reset.nr_resets = 1;
	ret = devm_reset_controller_register(dev, &board->reset);
	if (ret)
		return ret;

	board->directory = debugfs_create_dir("kestrel-board", NULL);
	debugfs_create_u32("clock_enabled", 0400, board->directory, &board->clock_enabled);
	debugfs_create_u32("hertz", 0400, board->directory, &board->hertz);
	debugfs_create_u32("rate_changes", 0400, board->directory, &board->rate_changes);
	debugfs_create_u32("supply_enabled", 0400, board->directory, &board->supply_enabled);
	debugfs_create_u32("microvolts", 0400, board->directory, &board->microvolts);
	debugfs_create_u32("reset_asserted", 0400, board->directory, &board->reset_asserted);
	debugfs_create_u32("violations", 0400, board->directory, &board->violations);
	/* Written: from then on the supply cannot be switched on. */
	debugfs_create_bool("fail_enable", 0600, board->directory, &board->fail_enable);
	return 0;
}

static void board_remove(struct platform_device *pdev)
{
	struct board *board = platform_get_drvdata(pdev);

	debugfs_remove_recursive(board->directory);
}

static const struct of_device_id board_match[] = {
	{ .compatible = "kestrel,test-board" },
	{}
};
MODULE_DEVICE_TABLE(of, board_match);

static struct platform_driver board_driver = {
	.probe = board_probe,
	.remove = board_remove,
	.driver = {
		.name = "kestrel-board",
		.of_match_table = board_match,
	},
};
module_platform_driver(board_driver);

MODULE_DESCRIPTION("A board for tests of the Kestrel NPU driver");
MODULE_AUTHOR("The Kestrel authors");
MODULE_LICENSE("Dual MIT/GPL");
